"""The probes: what they say while the backends are there, and while they are not."""

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from .conftest import MakeApp

Urls = dict[str, str]
VARIABLES = {"cache": "CACHE_URL", "sessions": "SESSION_URL", "database": "DATABASE_URL"}


def chosen(app: Flask) -> Urls:
    """The backends and their URLs."""
    given = app.extensions["settings"].model_dump()
    secrets = {name: given.get(variable.lower()) for name, variable in VARIABLES.items()}
    urls = {name: secret.get_secret_value() for name, secret in secrets.items() if secret}
    return {name: url for name, url in urls.items() if not url.startswith("null:")}


@pytest.fixture
def silent(app: Flask) -> Iterator[Urls]:
    """The backends that are servers, and URLs of them at one that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        urls = chosen(app).items()
        yield {name: at(address, url) for name, url in urls if urlsplit(url).netloc}


def at(address: str, url: str) -> str:
    """The URL with another host and port."""
    return url.replace(urlsplit(url).netloc.rpartition("@")[2], address)


def test_a_ready_service_names_every_backend_and_its_milliseconds(app: Flask) -> None:
    client = app.test_client()
    answers = (client.get("/readyz") for _ in range(20))  # a busy machine may be late

    answer = next(answer for answer in answers if answer.get_json()["status"] == "ok")

    assert answer.status_code == 200
    checks = answer.get_json()["checks"]
    assert checks.keys() == chosen(app).keys()
    assert all(c["status"] == "ok" and 0 <= c["milliseconds"] < 500 for c in checks.values())


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_sets_no_cookie_and_no_cache_keeps_it(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert "Set-Cookie" not in answer.headers
    assert answer.cache_control.no_store


def test_a_process_is_alive_while_no_backend_answers(make_app: MakeApp, silent: Urls) -> None:
    client = make_app(**{VARIABLES[name]: silent[name] for name in silent}).test_client()

    started = time.monotonic()
    assert client.get("/livez").status_code == 200
    assert time.monotonic() - started < 1


def test_only_the_cache_is_dispensable(make_app: MakeApp, silent: Urls) -> None:
    for name, url in silent.items():
        client = make_app(**{VARIABLES[name]: url}).test_client()
        client.get("/readyz")  # connects to the others

        started = time.monotonic()
        answer = client.get("/readyz")

        assert time.monotonic() - started < 1.5
        assert answer.get_json()["checks"][name]["status"] == "unavailable"
        expected = (200, "degraded") if name == "cache" else (503, "unavailable")
        assert (answer.status_code, answer.get_json()["status"]) == expected
        assert "127.0.0.1" not in answer.text
