"""One line a request, for a machine to read, that tells nothing about the visitor."""

import io
import json
from typing import Any

import pytest
from flask import Flask

from . import log_handler


@pytest.fixture
def stream(production: Flask, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Where the service's log goes during a test."""
    stream = io.StringIO()
    log_handler.flush()
    monkeypatch.setattr(log_handler, "stream", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    log_handler.flush()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_only_a_request_is_a_json_object(production: Flask, stream: io.StringIO) -> None:
    production.test_client().get("/livez")
    answer = production.test_client().get("/tests/cached?q=mug")

    [line] = lines(stream)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/tests/cached", 200)
    assert line["milliseconds"] > 0
    assert f"; fwd={line.get('cache', 'bypass')}" in answer.headers["Cache-Status"]
    assert line["level"] == "info"


def test_the_log_holds_nothing_private(production: Flask, stream: io.StringIO) -> None:
    client = production.test_client()
    client.set_cookie(production.config["SESSION_COOKIE_NAME"], "private-cookie")
    client.get(
        "/tests/cached?q=private-query",
        headers={"Authorization": "Bearer private-token", "User-Agent": "private-browser"},
        environ_overrides={"REMOTE_ADDR": "203.0.113.7"},
    )

    assert len(lines(stream)) == 1
    assert "private" not in stream.getvalue()
    assert "203.0.113.7" not in stream.getvalue()


def test_a_line_feed_in_a_path_makes_no_second_line(production: Flask, stream: io.StringIO) -> None:
    production.test_client().get("/%0a%7b%22status%22:200%7d")

    [line] = lines(stream)
    assert line["path"].startswith("/%0A")


def test_an_error_is_logged_with_its_request(production: Flask, stream: io.StringIO) -> None:
    answer = production.test_client().get("/tests/broken")

    assert answer.status_code == 500
    assert "of a test" not in answer.text
    error, request = lines(stream)
    assert error["exception"].endswith("ValueError: of a test")
    assert error["request_id"] == request["request_id"]
    assert (error["level"], request["status"]) == ("error", 500)


@pytest.mark.parametrize("given", ["4bf92f3577b34da6a3ce929d0e0e4736", "req-12345:a.b_c"])
def test_a_sane_request_id_is_kept(production: Flask, given: str) -> None:
    answer = production.test_client().get("/livez", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "short", "x" * 129, "has spaces in it", "<script>alert(1)"])
def test_another_request_id_is_replaced(production: Flask, given: str) -> None:
    client = production.test_client()
    answers = [client.get("/livez", headers={"X-Request-ID": given}) for _ in range(2)]

    assert len({given, *(answer.headers["X-Request-ID"] for answer in answers)}) == 3
