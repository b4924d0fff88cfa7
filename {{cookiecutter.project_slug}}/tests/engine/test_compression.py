"""Compression: what is the same for everybody, for clients that take it."""

import gzip

import pytest
from flask import Flask, Response, request, session
from werkzeug.test import TestResponse

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
