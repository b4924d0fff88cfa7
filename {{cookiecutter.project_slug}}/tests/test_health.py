"""The probes: what they say while the backends are there, and while they are not."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

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
def mute() -> Iterator[socket.socket]:
    """A server that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def silent(app: Flask, mute: socket.socket) -> Urls:
    """The backends that are servers, and their URLs at the mute one."""
    address = f"127.0.0.1:{mute.getsockname()[1]}"
    return {name: at(address, url) for name, url in chosen(app).items() if urlsplit(url).netloc}


def at(address: str, url: str) -> str:
    """The URL with another host and port."""
    return url.replace(urlsplit(url).netloc.rpartition("@")[2], address)


def told(client: FlaskClient, status: str) -> TestResponse:
    """The first answer with this status: on a busy machine a backend may be late."""
    answers = (client.get("/readyz") for _ in range(20))
    return next(answer for answer in answers if answer.get_json()["status"] == status)


def test_a_ready_service_names_every_backend_and_its_milliseconds(client: FlaskClient) -> None:
    answer = told(client, "ok")

    assert answer.status_code == 200
    checks = answer.get_json()["checks"]
    assert checks.keys() == chosen(client.application).keys()
    assert all(c["status"] == "ok" and c["milliseconds"] >= 0 for c in checks.values())


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_sets_no_cookie_and_no_cache_keeps_it(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert "Set-Cookie" not in answer.headers
    assert answer.cache_control.no_store


def test_a_process_is_alive_and_asks_no_backend(
    make_app: MakeApp, silent: Urls, mute: socket.socket
) -> None:
    client = make_app(**{VARIABLES[name]: silent[name] for name in silent}).test_client()

    assert client.get("/livez").status_code == 200

    mute.setblocking(False)
    with pytest.raises(BlockingIOError):  # nobody called
        mute.accept()


def test_only_the_cache_is_dispensable(make_app: MakeApp, silent: Urls) -> None:
    for name, url in silent.items():
        client = make_app(**{VARIABLES[name]: url}).test_client()
        expected = (200, "degraded") if name == "cache" else (503, "unavailable")

        answer = told(client, expected[1])

        assert answer.status_code == expected[0]
        assert answer.get_json()["checks"][name]["status"] == "unavailable"
        assert "127.0.0.1" not in answer.text
