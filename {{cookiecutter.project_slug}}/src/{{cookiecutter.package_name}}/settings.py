"""The settings: read from the environment and `.env`, and checked once at start."""

# {% if cookiecutter.database != "none" %}
import re
# {% endif %}
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# {% if cookiecutter.cache_backend != "none" %}
from .engine.caching import check_url as check_cache_url
# {% endif %}
# {% if cookiecutter.database != "none" %}
from .engine.databases import normalized
# {% endif %}
# {% if cookiecutter.cache_backend == "none" %}
from .engine.nocache import check_url as check_cache_url
# {% endif %}
# {% if cookiecutter.session_store != "cookie" %}
from .engine.sessions.stores import check_url as check_session_url
# {% endif %}

EXAMPLE_KEY = "development-only-key-never-deploy-it"
# {% if cookiecutter.database != "none" %}
DATABASE_URL = "{{ cookiecutter.__database_url }}"
# {% endif %}


class Settings(BaseSettings):
    """Each field is read from the environment variable of the same name in upper case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8-sig",  # some editors begin a file with a mark
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    app_env: Literal["development", "testing", "production"] = "development"
    secret_key: SecretStr = SecretStr(EXAMPLE_KEY)
    secret_key_fallbacks: Annotated[tuple[SecretStr, ...], NoDecode] = ()  # comma-separated
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = ()  # comma-separated; none means any
    cache_default_timeout: int = Field(300, gt=0, le=30 * 24 * 3600)  # seconds
    # Seconds since the last use: at most a year, as browsers keep no cookie for much longer.
    session_lifetime: int = Field(14 * 24 * 3600, gt=0, le=365 * 24 * 3600)
    port: int = Field(8000, gt=0, lt=65536)
    metrics_port: int = Field(9100, gt=0, lt=65536)
    # {% if cookiecutter.cache_backend == "simple" %}
    web_concurrency: int = Field(1, gt=0)  # one process: each process has its own cache
    # {% else %}
    web_concurrency: int = Field(2, gt=0)  # processes
    # {% endif %}
    cache_url: SecretStr = SecretStr("{{ cookiecutter.__cache_url }}")
    # {% if cookiecutter.database != "none" %}
    database_url: SecretStr = SecretStr(DATABASE_URL)
    api_token: SecretStr | None = None  # if it is not set, nobody can write through the API
    # {% endif %}
    # {% if cookiecutter.session_store != "cookie" %}
    session_url: SecretStr = SecretStr("{{ cookiecutter.__session_url }}")
    # {% endif %}

    @property
    def production(self) -> bool:
        return self.app_env == "production"

    # {% if cookiecutter.session_store == "sql" and "database" in cookiecutter.__servers %}
    @field_validator("session_url", mode="before")
    @classmethod
    def _database_by_default(cls, value: object, info: ValidationInfo) -> object:
        return value or info.data.get("database_url", DATABASE_URL)

    # {% endif %}
    @field_validator("secret_key_fallbacks", "trusted_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("*", mode="before")  # it is defined last, so it runs first
    @classmethod
    def _strip(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("secret_key")
    @classmethod
    def _strong(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        key = value.get_secret_value()
        if info.data.get("app_env") == "production" and (len(key) < 32 or key == EXAMPLE_KEY):
            raise ValueError(
                "is missing, shorter than 32 characters or the example: production needs a random "
                "key, and `python -c 'import secrets; print(secrets.token_urlsafe(48))'` prints one"
            )
        return value

    @field_validator("cache_url")
    @classmethod
    def _for_the_cache(cls, value: SecretStr) -> SecretStr:
        check_cache_url(value.get_secret_value())
        return value

    # {% if cookiecutter.session_store != "cookie" %}
    @field_validator("session_url")
    @classmethod
    def _for_the_session_store(cls, value: SecretStr) -> SecretStr:
        check_session_url(value.get_secret_value())
        return value

    # {% endif %}
    # {% if cookiecutter.cache_backend == "simple" %}
    @field_validator("cache_url")
    @classmethod
    def _one_process(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        workers = info.data.get("web_concurrency", 1)
        if workers > 1 and value.get_secret_value().startswith("memory:"):
            raise ValueError(
                f"keeps the cache in one process, but WEB_CONCURRENCY is {workers}: set it to 1 "
                "(its threads share the cache), or use null:// to turn the cache off"
            )
        return value

    # {% endif %}
    # {% if cookiecutter.database != "none" %}
    @field_validator("database_url")
    @classmethod
    def _for_the_driver(cls, value: SecretStr) -> SecretStr:
        return SecretStr(normalized(value.get_secret_value()))

    @field_validator("api_token")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not re.fullmatch("[!-~]{8,}", value.get_secret_value()):
            raise ValueError(
                "must be 8 or more ASCII characters without spaces: clients send it in a header, "
                "and nobody may guess it"
            )
        return value

    # {% endif %}

def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """Read the settings. `overrides` (names in upper case) win over the environment.

    Raises SystemExit with one sentence for each bad value: it names the variable, the value
    (never a secret or a URL) and what is allowed.
    """
    values: dict[str, Any] = {name.lower(): value for name, value in (overrides or {}).items()}
    try:
        if "\0" in Path(".env").read_text("utf-8"):
            raise UnicodeError
    except FileNotFoundError:
        pass
    except (UnicodeError, OSError):
        raise SystemExit("The file .env cannot be read: save it as text in UTF-8.") from None
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SystemExit("\n".join(map(_sentence, error.errors()))) from None


def _sentence(problem: Mapping[str, Any]) -> str:
    field = str(problem["loc"][0])
    reason = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"{field.upper()} {reason}."
    secret = "SecretStr" in str(Settings.model_fields[field].annotation)
    given = "" if secret else f" is {problem['input']!r}"
    return f"{field.upper()}{given}: {reason[:1].lower()}{reason[1:]}."
