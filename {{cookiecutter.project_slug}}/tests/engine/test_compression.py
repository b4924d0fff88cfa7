"""Compression: what is the same for everybody, for clients that take it."""

import gzip
from collections.abc import Iterator
from typing import Any, cast

import pytest
from flask import Flask, Response, request, session
from werkzeug.exceptions import Forbidden
from werkzeug.test import EnvironBuilder, TestResponse

from .hub import compression, middleware

TEXT = "The same for everybody. " * 100
PUBLIC = {"Cache-Control": "public, max-age=60"}


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.secret_key = "of the tests"
    middleware.Middleware.of(app)
    return app


def serve(app: Flask, text: str | bytes = TEXT, **headers: str) -> None:
    """An answer at /, with the other headers of a page."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}

    def view() -> Response:
        response = Response(text, headers=PUBLIC | given)
        response.add_etag()
        response.make_conditional(request)
        return response

    app.add_url_rule("/", "view", view)


def ask(app: Flask, accepted: str = "gzip, br", **headers: str) -> TestResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get("/", headers={"Accept-Encoding": accepted} | given)


def test_a_public_text_is_compressed(app: Flask) -> None:
    serve(app)
    answer = ask(app)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data).decode() == TEXT
    assert answer.content_length == len(answer.data) < len(TEXT) / 10
    assert answer.headers.getlist("Vary") == ["Accept-Encoding"]


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity, *;q=0"])
def test_a_client_that_does_not_take_it_gets_the_text(app: Flask, accepted: str) -> None:
    serve(app)
    answer = ask(app, accepted)
    assert "Content-Encoding" not in answer.headers
    assert answer.text == TEXT
    assert answer.headers.getlist("Vary") == ["Accept-Encoding"]


def test_other_headers_that_a_page_varies_on_stay(app: Flask) -> None:
    serve(app, Vary="Accept-Language")
    assert ask(app).headers.getlist("Vary") == ["Accept-Language, Accept-Encoding"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache_Control": "private, no-cache"},
        {"Cache_Control": "no-store"},
        {"Content_Type": "image/png"},
        {"Content_Encoding": "br"},
    ],
)
def test_what_is_personal_or_dense_is_sent_as_it_is(app: Flask, headers: dict[str, str]) -> None:
    serve(app, **headers)
    answer = ask(app)
    assert answer.text == TEXT
    assert answer.headers.get("Content-Encoding") == headers.get("Content_Encoding")


def test_a_page_that_used_the_session_is_not_compressed(app: Flask) -> None:
    app.before_request(lambda: session.get("user"))
    serve(app)
    assert "Content-Encoding" not in ask(app).headers


@pytest.mark.parametrize("size", [0, compression.LEAST - 1, compression.MOST + 1])
def test_what_is_short_or_huge_is_not_compressed(app: Flask, size: int) -> None:
    serve(app, "x" * size)
    assert "Content-Encoding" not in ask(app).headers


def test_a_stream_is_not_held_up(app: Flask) -> None:
    app.add_url_rule("/", "stream", lambda: Response(iter(["x" * 5000]), headers=PUBLIC))
    assert ask(app).text == "x" * 5000


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_both_forms_have_an_etag_that_is_not_modified(app: Flask, accepted: str) -> None:
    serve(app)
    etags = {each: ask(app, each).headers["ETag"] for each in ("gzip", "identity")}
    assert etags["gzip"] == f"W/{etags['identity']}"
    again = ask(app, accepted, If_None_Match=etags[accepted])
    assert again.status_code == 304
    assert again.headers["ETag"] == etags[accepted]
    assert again.headers["Vary"] == "Accept-Encoding"


def test_a_head_request_gets_no_body_and_no_wrong_length(app: Flask) -> None:
    serve(app)
    answer = app.test_client().head("/", headers={"Accept-Encoding": "gzip"})
    assert answer.data == b""
    assert answer.headers.get("Content-Length") is None


def test_a_part_of_a_file_is_a_part_of_the_text(app: Flask) -> None:
    serve(app, Accept_Ranges="bytes")
    assert "Accept-Ranges" not in ask(app).headers
    assert "Accept-Ranges" in ask(app, "identity").headers


def test_the_same_page_is_compressed_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def count(data: bytes, *level: int, mtime: float) -> bytes:
        calls.append(data)
        return gzip_compress(data, *level, mtime=mtime)

    gzip_compress = gzip.compress
    monkeypatch.setattr(compression, "_held", {})
    monkeypatch.setattr(gzip, "compress", count)
    serve(app)
    assert [ask(app).data for _ in range(3)] == [ask(app).data] * 3
    assert len(calls) == 1


def test_what_is_held_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    held: dict[bytes, bytes] = {}
    monkeypatch.setattr(compression, "_held", held)
    monkeypatch.setattr(compression, "HELD", 100)
    for number in range(20):
        compression.pack(b"%20d" % number)
        assert sum(map(len, held)) <= 120


def test_a_form_that_must_not_change_is_sent_as_it_is(app: Flask) -> None:
    serve(app, Cache_Control="public, max-age=60, no-transform")
    answer = ask(app)
    assert answer.text == TEXT
    assert "Vary" not in answer.headers


def test_a_generator_may_begin_its_answer_late() -> None:
    app = Flask(__name__, static_folder=None)
    inner = app.wsgi_app

    def generate(environ: Any, start_response: Any) -> Iterator[bytes]:
        yield from inner(environ, start_response)

    app.wsgi_app = generate  # type: ignore[method-assign]
    middleware.Middleware.of(app)
    serve(app)
    assert ask(app).text == TEXT


def test_an_answer_does_its_last_work_after_it_was_sent(app: Flask) -> None:
    closed: list[bool] = []

    def view() -> Response:
        response = Response(TEXT, headers=PUBLIC)
        response.call_on_close(lambda: closed.append(True))
        return response

    app.add_url_rule("/", "view", view)
    body = app.wsgi_app(EnvironBuilder(headers=[("Accept-Encoding", "gzip")]).get_environ(), start)
    assert gzip.decompress(b"".join(body)).decode() == TEXT
    assert not closed
    cast(Any, body).close()
    assert closed


def start(*_: Any) -> Any:
    """As a server does, but for nobody."""


def test_a_body_that_fails_is_closed(app: Flask) -> None:
    closed: list[bool] = []

    def fail() -> Iterator[bytes]:
        yield b"x"
        raise RuntimeError("the disk is gone")

    def view() -> Response:
        headers = PUBLIC | {"Content-Length": "5000"}
        response = Response(fail(), headers=headers)
        response.call_on_close(lambda: closed.append(True))
        return response

    app.add_url_rule("/", "view", view)
    with pytest.raises(RuntimeError):
        ask(app)
    assert closed


@pytest.mark.parametrize("headers", [{"Content_Type": "image/png"}, {}])
def test_who_has_what_was_not_compressed_is_told_its_etag(
    app: Flask, headers: dict[str, str]
) -> None:
    serve(app, "x" * (compression.LEAST - 1) if not headers else TEXT, **headers)
    etag = ask(app).headers["ETag"]
    assert not etag.startswith("W/")
    assert ask(app, If_None_Match=etag).headers["ETag"] == etag


def test_a_head_request_says_in_which_form_the_body_would_be(app: Flask) -> None:
    serve(app, Accept_Ranges="bytes")
    answer = app.test_client().head("/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Ranges" not in answer.headers


def test_the_header_vary_names_nothing_twice(app: Flask) -> None:
    serve(app, Vary="accept-encoding")
    assert ask(app).headers.getlist("Vary") == ["accept-encoding"]


def test_a_refusal_may_be_public(app: Flask) -> None:
    def refuse(_: Any) -> None:
        raise Forbidden

    middleware.Middleware.of(app).checks.append(refuse)
    app.register_error_handler(Forbidden, lambda _: Response(TEXT, headers=PUBLIC))
    assert ask(app).text == TEXT
