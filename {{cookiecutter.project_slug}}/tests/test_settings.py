"""What the settings accept, and how they refuse the rest: a sentence, with no secret in it."""

from pathlib import Path

import pytest

from . import settings

KEY = "k" * 48
URLS = [name.upper() for name in settings.Settings.model_fields if name.endswith("_url")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and nothing but servers in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in settings.Settings.model_fields:
        if not name.endswith("_url"):
            monkeypatch.delenv(name.upper(), raising=False)
    return tmp_path


def refusal(**given: object) -> str:
    with pytest.raises(SystemExit) as refused:
        settings.load_settings(given)
    return str(refused.value)


@pytest.mark.parametrize("variable", URLS)
def test_a_foreign_scheme_is_refused_by_name_and_without_the_password(variable: str) -> None:
    sentence = refusal(**{variable: "mongodb://user:hunter2@elsewhere/0"})

    assert sentence.startswith(f"{variable} has the scheme mongodb://")
    assert "use one of " in sentence
    assert "hunter2" not in sentence
    assert "elsewhere" not in sentence


@pytest.mark.parametrize("variable", URLS)
def test_what_is_no_url_is_refused(variable: str) -> None:
    assert refusal(**{variable: "hunter2"}).startswith(f"{variable} has no scheme")


def test_the_cache_can_be_turned_off() -> None:
    given = settings.load_settings({"CACHE_URL": "null://"})

    assert given.cache_url.get_secret_value() == "null://"


# {% if cookiecutter.cache_backend == "simple" %}
def test_a_cache_in_the_process_allows_one_process() -> None:
    sentence = refusal(CACHE_URL="memory://", WEB_CONCURRENCY=2)

    assert sentence.startswith("CACHE_URL keeps the cache in one process")
    assert "WEB_CONCURRENCY is 2" in sentence


def test_without_a_cache_any_number_of_processes_will_do() -> None:
    given = settings.load_settings({"CACHE_URL": "null://", "WEB_CONCURRENCY": 2})

    assert given.web_concurrency == 2


# {% endif %}
# {% if cookiecutter.database == "sqlite" %}
def test_the_file_of_the_database_is_found_from_the_working_folder(folder: Path) -> None:
    given = settings.load_settings({"DATABASE_URL": "sqlite:///data/app.db"})

    assert given.database_url.get_secret_value() == f"sqlite:///{folder}/data/app.db"
    assert (folder / "data").is_dir()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_stays_there(url: str) -> None:
    assert settings.load_settings({"DATABASE_URL": url}).database_url.get_secret_value() == url


# {% elif cookiecutter.database == "postgresql" %}
@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_usual_form_of_the_database_url_is_understood(scheme: str) -> None:
    given = settings.load_settings({"DATABASE_URL": f"{scheme}://app:app@db/app"})

    assert given.database_url.get_secret_value() == "postgresql+psycopg://app:app@db/app"


# {% elif cookiecutter.database == "mysql" %}
@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql"])
def test_every_usual_form_of_the_database_url_is_understood(scheme: str) -> None:
    given = settings.load_settings({"DATABASE_URL": f"{scheme}://app:app@db/app"})

    assert given.database_url.get_secret_value() == "mysql+pymysql://app:app@db/app"


# {% endif %}
# {% if cookiecutter.session_store == "sql" and "database" in cookiecutter.__servers %}
def test_sessions_live_in_the_database_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SESSION_URL", raising=False)
    given = settings.load_settings()

    assert given.session_url == given.database_url


# {% endif %}
@pytest.mark.parametrize("key", [settings.EXAMPLE_KEY, "hunter2", ""])
def test_production_refuses_a_weak_key(key: str) -> None:
    sentence = refusal(APP_ENV="production", SECRET_KEY=key)

    assert sentence.startswith("SECRET_KEY is missing, shorter than 32 characters or the example")
    assert "hunter2" not in sentence


def test_production_refuses_to_start_without_a_key() -> None:
    assert refusal(APP_ENV="production").startswith("SECRET_KEY is missing")


def test_production_takes_a_strong_key() -> None:
    assert settings.load_settings({"APP_ENV": "production", "SECRET_KEY": KEY}).production


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("APP_ENV", "staging"),
        ("PORT", "http"),
        ("PORT", "70000"),
        ("SESSION_LIFETIME", "0"),
        ("SESSION_LIFETIME", "1000000000000000"),
        ("CACHE_DEFAULT_TIMEOUT", "1000000000000000"),
    ],
)
def test_a_bad_value_is_named_and_shown(variable: str, value: str) -> None:
    sentence = refusal(**{variable: value})

    assert sentence.startswith(f"{variable} is {value!r}: ")
    assert "\n" not in sentence


def test_every_bad_value_has_its_sentence() -> None:
    assert refusal(PORT="x", METRICS_PORT="y").count("\n") == 1


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_HOSTS", "shop.example, .shop.example,")
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", "old,older")
    given = settings.load_settings()

    assert given.trusted_hosts == ("shop.example", ".shop.example")
    assert [key.get_secret_value() for key in given.secret_key_fallbacks] == ["old", "older"]


def test_the_environment_beats_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("PORT=8001\nMETRICS_PORT=9001\n")
    monkeypatch.setenv("PORT", "8002")
    given = settings.load_settings()

    assert (given.port, given.metrics_port) == (8002, 9001)


def test_what_is_empty_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")

    assert settings.load_settings().port == 8000


def test_no_secret_is_printed() -> None:
    given = settings.load_settings({"SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": f"old-{KEY}"})

    assert KEY not in repr(given)
