"""What the settings accept, and how they refuse the rest: a sentence, with no secret in it."""

from pathlib import Path

import pytest

from . import settings

KEY = "k" * 48
WEAK_KEYS = [settings.EXAMPLE_KEY, "hunter2", ""]
BAD_VALUES = [
    *(("APP_ENV", "staging"), ("PORT", "http"), ("PORT", "70000"), ("SESSION_LIFETIME", "0")),
    *((name, "1000000000000000") for name in ("SESSION_LIFETIME", "CACHE_DEFAULT_TIMEOUT")),
]
FIELDS = settings.Settings.model_fields
URLS = [name.upper() for name in FIELDS if name.endswith("_url")]
SECRETS = [name.upper() for name in FIELDS if "SecretStr" in str(FIELDS[name].annotation)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and nothing but servers in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in {field.upper() for field in FIELDS} - {*URLS}:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def refusal(**given: object) -> str:
    with pytest.raises(SystemExit) as refused:
        settings.load_settings(given)
    return str(refused.value)


@pytest.mark.parametrize("variable", URLS)
def test_a_wrong_url_is_refused_by_name_and_without_the_password(variable: str) -> None:
    sentence = refusal(**{variable: "amqp://user:hunter2@elsewhere/0"})

    assert sentence.startswith(f"{variable} has the scheme amqp://")
    assert "use one of " in sentence
    assert "hunter2" not in sentence
    assert "elsewhere" not in sentence
    assert refusal(**{variable: "hunter2"}).startswith(f"{variable} has no scheme")


@pytest.mark.parametrize("field", [name.lower() for name in URLS])
def test_no_url_means_the_database(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(field.upper(), raising=False)
    given = settings.load_settings().model_dump()
    default = FIELDS[field].default.get_secret_value()
    assert default or given[field] == given["database_url"]


@pytest.mark.parametrize("key", [{}, *({"SECRET_KEY": key} for key in WEAK_KEYS)])
def test_production_refuses_to_start_without_a_strong_key(key: dict[str, str]) -> None:
    sentence = refusal(APP_ENV="production", **key)

    assert sentence.startswith("SECRET_KEY is missing, shorter than 32 characters or the example")
    assert "hunter2" not in sentence


@pytest.mark.parametrize(("variable", "value"), BAD_VALUES)
def test_a_bad_value_is_named_and_shown(variable: str, value: str) -> None:
    sentence = refusal(**{variable: value})

    assert sentence.startswith(f"{variable} is {value!r}: ")
    assert "\n" not in sentence


def test_each_bad_value_has_its_own_sentence() -> None:
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


def test_white_space_around_a_value_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's secrets end with a line break."""
    monkeypatch.setenv("APP_ENV", "production\n")
    monkeypatch.setenv("SECRET_KEY", f" {KEY}\n")
    monkeypatch.setenv("CACHE_URL", " null://\n")
    given = settings.load_settings()

    assert given.production
    assert given.secret_key.get_secret_value() == KEY
    assert given.cache_url.get_secret_value() == "null://"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_a_file_that_is_not_utf_8_is_refused_in_one_sentence(folder: Path, encoding: str) -> None:
    (folder / ".env").write_text("APP_ENV=testing\nSECRET_KEY=sésame\n", encoding)

    assert refusal() == "The file .env cannot be read: save it as text in UTF-8."


def test_an_empty_variable_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")

    assert settings.load_settings().port == 8000


@pytest.mark.parametrize("variable", SECRETS)
def test_a_bad_secret_is_not_shown(variable: str) -> None:
    assert "hunter2" not in refusal(**{variable: {"hunter2": 1}})


def test_no_secret_is_printed() -> None:
    given = settings.load_settings({"SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": f"old-{KEY}"})

    assert KEY not in repr(given)
