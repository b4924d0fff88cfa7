"""The probes: what they say while the backends are there, and while they are not."""

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from . import health
from .conftest import MakeApp

VARIABLES = {"cache": "CACHE_URL", "sessions": "SESSION_URL", "database": "DATABASE_URL"}


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def chosen(app: Flask) -> dict[str, str]:
    """The backends and their URLs."""
    given = app.extensions["settings"]
    urls = {
        name: getattr(given, variable.lower()).get_secret_value()
        for name, variable in VARIABLES.items()
        if hasattr(given, variable.lower())
    }
    return {name: url for name, url in urls.items() if not url.startswith("null:")}


def servers(app: Flask) -> dict[str, str]:
    """Those that can be somewhere else; the others are files, or in the process."""
    return {name: url for name, url in chosen(app).items() if urlsplit(url).netloc}


def at(address: str, url: str) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{address}"))


def test_a_ready_service_names_every_backend_and_its_milliseconds(app: Flask) -> None:
    client = app.test_client()
    client.get("/readyz")  # connects

    answer = client.get("/readyz")

    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")
    checks = answer.get_json()["checks"]
    assert checks.keys() == chosen(app).keys()
    assert all(check["status"] == "ok" for check in checks.values())
    assert all(0 <= check["milliseconds"] < 500 for check in checks.values())


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_sets_no_cookie_and_is_kept_by_nobody(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert "Set-Cookie" not in answer.headers
    assert answer.cache_control.no_store


def test_a_process_is_alive_whatever_its_backends_do(make_app: MakeApp, black_hole: str) -> None:
    urls = {VARIABLES[name]: at(black_hole, url) for name, url in servers(make_app()).items()}
    client = make_app(**urls).test_client()

    started = time.monotonic()
    assert client.get("/livez").status_code == 200
    assert time.monotonic() - started < 1


def test_only_the_cache_is_dispensable(make_app: MakeApp, black_hole: str) -> None:
    for name, url in servers(make_app()).items():
        client = make_app(**{VARIABLES[name]: at(black_hole, url)}).test_client()
        client.get("/readyz")  # connects to the others

        started = time.monotonic()
        answer = client.get("/readyz")

        assert time.monotonic() - started < 1.5
        assert answer.get_json()["checks"][name]["status"] == "unavailable"
        expected = (200, "degraded") if name == "cache" else (503, "unavailable")
        assert (answer.status_code, answer.get_json()["status"]) == expected
        assert "127.0.0.1" not in answer.text


def test_the_log_tells_once_that_a_backend_fails_and_once_that_it_is_back(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    outage: list[Exception] = []

    def ping() -> None:
        if outage:
            raise outage[0]

    check = health.Check(app, "database", ping)

    def probe() -> None:
        for _ in range(3):
            check.begin()
            check.result(time.monotonic() + 5)

    probe()
    outage.append(ConnectionError("password"))
    probe()
    outage.clear()
    probe()

    assert [record.getMessage() for record in caplog.records] == [
        "A backend does not answer: database, ConnectionError",
        "A backend answers again: database",
    ]
