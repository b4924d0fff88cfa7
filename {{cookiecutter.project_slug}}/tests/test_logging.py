"""One line a request, for a machine to read, that tells nothing about the visitor."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from .conftest import MakeApp


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the service's log goes during a test."""
    root = logging.getLogger()
    before = list(root.handlers)
    stream = io.StringIO()
    yield stream
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)


@pytest.fixture
def production(make_app: MakeApp, stream: io.StringIO) -> Flask:
    app = make_app(APP_ENV="production", SECRET_KEY="k" * 48)
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:
            handler.setStream(stream)
    return app


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_json_object(production: Flask, stream: io.StringIO) -> None:
    answer = production.test_client().get("/tests/cached?q=mug")

    [line] = lines(stream)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/tests/cached", 200)
    assert line["milliseconds"] > 0
    assert f"; fwd={line['cache']}" in answer.headers["Cache-Status"]
    assert line["level"] == "info"


def test_nothing_personal_and_nothing_secret_is_logged(
    production: Flask, stream: io.StringIO
) -> None:
    client = production.test_client()
    client.set_cookie("session", "private-cookie")
    client.get(
        "/tests/cached?q=private-query",
        headers={"Authorization": "Bearer private-token", "User-Agent": "private-browser"},
        environ_overrides={"REMOTE_ADDR": "203.0.113.7"},
    )

    assert "private" not in stream.getvalue()
    assert "203.0.113.7" not in stream.getvalue()


def test_a_line_feed_in_a_path_makes_no_second_line(production: Flask, stream: io.StringIO) -> None:
    production.test_client().get("/%0a%7b%22status%22:200%7d")

    [line] = lines(stream)
    assert line["path"].startswith("/%0A")


def test_probes_are_not_logged(production: Flask, stream: io.StringIO) -> None:
    production.test_client().get("/livez")

    assert lines(stream) == []


def test_an_error_is_logged_with_its_request(production: Flask, stream: io.StringIO) -> None:
    @production.get("/fail")
    def fail() -> str:
        raise ValueError("of a test")

    answer = production.test_client().get("/fail")

    assert answer.status_code == 500
    assert "of a test" not in answer.text
    error, request = lines(stream)
    assert error["exception"].endswith("ValueError: of a test")
    assert error["request_id"] == request["request_id"]
    assert (error["level"], request["status"]) == ("error", 500)


@pytest.mark.parametrize("given", ["4bf92f3577b34da6a3ce929d0e0e4736", "req-12345:a.b_c"])
def test_a_sane_request_id_is_kept(client: FlaskClient, given: str) -> None:
    answer = client.get("/livez", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "short", "x" * 129, "has spaces in it", "<script>alert(1)"])
def test_another_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    first, second = (
        client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"]
        for _ in range(2)
    )

    assert given not in (first, second)
    assert first != second
