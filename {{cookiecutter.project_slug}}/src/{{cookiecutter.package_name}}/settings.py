"""The settings: read from the environment and `.env`, checked once, at start."""

from collections.abc import Mapping
# {% if cookiecutter.database == "sqlite" or cookiecutter.__session_url.startswith("sqlite") %}
from pathlib import Path
# {% endif %}
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

EXAMPLE_KEY = "development-only-key-never-deploy-it"

CACHE_URL = "{{ cookiecutter.__cache_url }}"
# {% if cookiecutter.cache_backend == "simple" %}
CACHE_SCHEMES = ("memory", "null")
# {% elif cookiecutter.cache_backend == "filesystem" %}
CACHE_SCHEMES = ("file", "null")
# {% elif cookiecutter.cache_backend == "redis" %}
CACHE_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster", "null")
# {% elif cookiecutter.cache_backend == "memcached" %}
CACHE_SCHEMES = ("memcached", "null")
# {% else %}
CACHE_SCHEMES = ("null",)
# {% endif %}
# {% if cookiecutter.database == "sqlite" %}
DATABASE_URL = "{{ cookiecutter.__database_url }}"
DATABASE_SCHEMES = ("sqlite",)
# {% elif cookiecutter.database == "postgresql" %}
DATABASE_URL = "{{ cookiecutter.__database_url }}"
DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
# {% elif cookiecutter.database == "mysql" %}
DATABASE_URL = "{{ cookiecutter.__database_url }}"
DATABASE_SCHEMES = ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql")
# {% endif %}
# {% if cookiecutter.session_store == "filesystem" %}
SESSION_URL = "{{ cookiecutter.__session_url }}"
SESSION_SCHEMES = ("file",)
# {% elif cookiecutter.session_store == "redis" %}
SESSION_URL = "{{ cookiecutter.__session_url }}"
SESSION_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster")
# {% elif cookiecutter.session_store == "memcached" %}
SESSION_URL = "{{ cookiecutter.__session_url }}"
SESSION_SCHEMES = ("memcached",)
# {% elif cookiecutter.session_store == "sql" and "database" not in cookiecutter.__servers %}
SESSION_URL = "{{ cookiecutter.__session_url }}"
SESSION_SCHEMES = ("sqlite",)
# {% elif cookiecutter.session_store == "sql" %}
SESSION_URL = ""  # the database's
SESSION_SCHEMES = DATABASE_SCHEMES
# {% endif %}


class Settings(BaseSettings):
    """Every field is the environment variable of the same name in upper case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    app_env: Literal["development", "testing", "production"] = "development"
    secret_key: SecretStr = SecretStr(EXAMPLE_KEY)
    secret_key_fallbacks: Annotated[tuple[SecretStr, ...], NoDecode] = ()  # comma-separated
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = ()  # comma-separated; none is any
    cache_default_timeout: int = Field(300, gt=0, le=30 * 24 * 3600)  # seconds
    # Seconds since the last visit: a year at most, for browsers keep no cookie for much longer.
    session_lifetime: int = Field(14 * 24 * 3600, gt=0, le=365 * 24 * 3600)
    port: int = Field(8000, gt=0, lt=65536)
    metrics_port: int = Field(9100, gt=0, lt=65536)
    # {% if cookiecutter.cache_backend == "simple" %}
    web_concurrency: int = Field(1, gt=0)  # one process: each would have a cache of its own
    # {% else %}
    web_concurrency: int = Field(2, gt=0)  # processes
    # {% endif %}
    cache_url: SecretStr = SecretStr(CACHE_URL)
    # {% if cookiecutter.database != "none" %}
    database_url: SecretStr = SecretStr(DATABASE_URL)
    api_token: SecretStr | None = None  # without one, nobody writes through the API
    # {% endif %}
    # {% if cookiecutter.session_store != "cookie" %}
    session_url: SecretStr = SecretStr(SESSION_URL)
    # {% endif %}

    @property
    def production(self) -> bool:
        return self.app_env == "production"

    @field_validator("secret_key_fallbacks", "trusted_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("secret_key")
    @classmethod
    def _strong(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        key = value.get_secret_value()
        if info.data.get("app_env") == "production" and (len(key) < 32 or key == EXAMPLE_KEY):
            raise ValueError(
                "is missing, shorter than 32 characters or the example: production needs a random "
                "one, such as `python -c 'import secrets; print(secrets.token_urlsafe(48))'` prints"
            )
        return value

    @field_validator("cache_url")
    @classmethod
    def _cache_url(cls, value: SecretStr) -> SecretStr:
        return _check_url(value, CACHE_SCHEMES)

    # {% if cookiecutter.cache_backend == "simple" %}
    @field_validator("cache_url")
    @classmethod
    def _one_process(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        workers = info.data.get("web_concurrency", 1)
        if workers > 1 and value.get_secret_value().startswith("memory:"):
            raise ValueError(
                f"keeps the cache in one process, but WEB_CONCURRENCY is {workers}: allowed is 1 "
                "(its threads share the cache), or null:// to turn the cache off"
            )
        return value

    # {% endif %}
    # {% if cookiecutter.database != "none" %}
    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: SecretStr) -> SecretStr:
        return _for_sqlalchemy(_check_url(value, DATABASE_SCHEMES))

    # {% endif %}
    # {% if cookiecutter.session_store == "sql" %}
    @field_validator("session_url")
    @classmethod
    def _session_url(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if value.get_secret_value():
            return _for_sqlalchemy(_check_url(value, SESSION_SCHEMES))
        database_url: SecretStr = info.data.get("database_url", value)
        return database_url

    # {% elif cookiecutter.session_store != "cookie" %}
    @field_validator("session_url")
    @classmethod
    def _session_url(cls, value: SecretStr) -> SecretStr:
        return _check_url(value, SESSION_SCHEMES)

    # {% endif %}

def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """The settings of this process; `overrides` (upper-case names) beat the environment.

    Raises SystemExit with one sentence for each bad value: the variable, what was given
    (never of a secret or a URL), what is allowed.
    """
    values: dict[str, Any] = {name.lower(): value for name, value in (overrides or {}).items()}
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SystemExit("\n".join(map(_sentence, error.errors()))) from None


def _sentence(problem: Mapping[str, Any]) -> str:
    field = str(problem["loc"][0])
    reason = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"{field.upper()} {reason}."
    given = "" if "secret" in field or "url" in field else f" is {problem['input']!r}"
    return f"{field.upper()}{given}: {reason[:1].lower()}{reason[1:]}."


def _check_url(url: SecretStr, schemes: tuple[str, ...]) -> SecretStr:
    given = url.get_secret_value()
    scheme, colon, _ = given.partition(":")
    if not colon or scheme not in schemes:
        found = f"the scheme {scheme}://" if colon else "no scheme"
        allowed = ", ".join(f"{name}://" for name in schemes)
        raise ValueError(f"has {found}, which this service does not speak: use one of {allowed}")
    try:
        servers = urlsplit(given).netloc.rpartition("@")[2]
        for server in servers.split(","):
            _ = urlsplit(f"//{server}").port  # a ValueError for what is no number
    except ValueError:  # whose text may quote a password
        raise ValueError(
            "cannot be read: hosts may have a :port each, after a comma the next one follows, and "
            "in a password everything but letters and digits is percent-encoded"
        ) from None
    return url
# {% if cookiecutter.database == "postgresql" %}


def _for_sqlalchemy(url: SecretStr) -> SecretStr:
    """The same URL for SQLAlchemy, which does not know `postgres://`."""
    return SecretStr("postgresql+psycopg:" + url.get_secret_value().partition(":")[2])
# {% elif cookiecutter.database == "mysql" %}


def _for_sqlalchemy(url: SecretStr) -> SecretStr:
    """The same URL for SQLAlchemy, which would look for another driver by default."""
    return SecretStr("mysql+pymysql:" + url.get_secret_value().partition(":")[2])
# {% elif cookiecutter.database == "sqlite" or cookiecutter.session_store == "sql" %}


def _for_sqlalchemy(url: SecretStr) -> SecretStr:
    """The same URL: its file as seen from the working folder, and that file's folder made."""
    scheme, slashes, file = url.get_secret_value().partition(":///")
    if not file or file.startswith((":memory:", "file:")):
        return url
    path = Path(file).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    return SecretStr(f"{scheme}{slashes}{path}")
# {% endif %}
