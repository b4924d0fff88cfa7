"""Static files: a URL for each state of a file."""

import os
import tracemalloc
from pathlib import Path

import pytest
from flask import Blueprint, Flask, Response, session, url_for
from werkzeug.routing import BuildError
from werkzeug.test import TestResponse

from .hub import static

YEAR = "public, max-age=31536000, immutable"
WAYS = ["static", "part.static"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "style.css").write_text("body {}" * 200)
    return tmp_path


@pytest.fixture
def app(folder: Path) -> Flask:
    app = Flask(__name__, static_folder=str(folder), static_url_path="/static")
    app.register_blueprint(
        Blueprint("part", __name__, static_folder=str(folder), static_url_path="/part")
    )
    static.init_static(app)
    return app


def url(app: Flask, endpoint: str, filename: str = "style.css") -> str:
    with app.test_request_context():
        return url_for(endpoint, filename=filename)


def get(app: Flask, at: str, **headers: str) -> TestResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(at, headers=given, buffered=True)  # which closes the file


@pytest.mark.parametrize("endpoint", WAYS)
def test_a_browser_keeps_a_file_for_a_year(app: Flask, endpoint: str) -> None:
    answer = get(app, url(app, endpoint))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == YEAR


@pytest.mark.parametrize("endpoint", WAYS)
def test_an_edit_gives_another_url(app: Flask, folder: Path, endpoint: str) -> None:
    before = url(app, endpoint)
    (folder / "style.css").write_text("body { color: red }")
    assert url(app, endpoint) != before
    old = get(app, before)  # a page from before asks for it
    assert old.text == "body { color: red }"
    assert old.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("query", ["", "?v=", "?v=other", "?w=1"])
def test_a_file_without_its_fingerprint_is_asked_for_again(app: Flask, query: str) -> None:
    answer = get(app, f"/static/style.css{query}")
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("filename", ["missing.css", "../secret", "", "."])
def test_no_file_has_no_fingerprint(app: Flask, filename: str) -> None:
    assert "?" not in url(app, "static", filename)


def test_a_missing_file_is_not_kept(app: Flask) -> None:
    answer = get(app, "/static/missing.css?v=1")
    assert answer.status_code == 404
    assert "Cache-Control" not in answer.headers


def test_the_answer_to_who_has_it_is_kept_as_long(app: Flask) -> None:
    at = url(app, "static")
    etag = get(app, at, Accept_Encoding="gzip").headers["ETag"]
    again = get(app, at, Accept_Encoding="gzip", If_None_Match=etag)
    assert again.status_code == 304
    assert again.headers["Cache-Control"] == YEAR


def test_another_endpoint_may_use_the_same_argument(app: Flask) -> None:
    app.add_url_rule("/page", "page", lambda: "page")
    answer = get(app, "/page?v=1")
    assert (answer.text, answer.headers.get("Cache-Control")) == ("page", None)


def guard(app: Flask, way: str) -> None:
    """Have the app treat its files as personal."""

    def cookie(response: Response) -> Response:
        response.set_cookie("visitor", "ann")
        return response

    def private(response: Response) -> Response:
        response.headers["Cache-Control"] = "private, no-store"
        return response

    app.secret_key = "of the tests"
    match way:
        case "cookie":
            app.after_request(cookie)
        case "private":
            app.after_request(private)
        case "session":
            app.before_request(lambda: session.get("user") and None)


@pytest.mark.parametrize("way", ["cookie", "private", "session", "password"])
def test_a_file_that_is_personal_is_not_public(app: Flask, way: str) -> None:
    guard(app, way)
    headers = {"Authorization": "Basic YTpi"} if way == "password" else {}
    assert "public" not in get(app, url(app, "static"), **headers).headers["Cache-Control"]


def test_a_view_named_static_sends_no_files(app: Flask) -> None:
    maps = Blueprint("maps", __name__, url_prefix="/maps")
    maps.add_url_rule("/<name>", "static", lambda name: name)
    app.register_blueprint(maps)
    with app.test_request_context():
        assert url_for("maps.static", name="town") == "/maps/town"
    assert get(app, "/maps/town?v=1").text == "town"


def test_an_app_may_send_its_files_itself() -> None:
    app = Flask(__name__, static_folder=None)
    static.init_static(app)
    app.add_url_rule("/files/<path:filename>", "static", lambda filename: filename)
    assert "Cache-Control" not in get(app, "/files/x?rev=1").headers


def test_an_argument_of_the_app_stays(app: Flask) -> None:
    with app.test_request_context():
        assert url_for("static", filename="style.css", v="7").endswith("?v=7")


def test_a_url_without_a_filename_cannot_be_built(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(BuildError):
        url_for("static")


def test_a_file_that_took_the_place_of_another_has_its_own_fingerprint(
    app: Flask, folder: Path
) -> None:
    before, path = url(app, "static"), folder / "style.css"
    times = path.stat()
    path.write_text("body { color: red }")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as in a reproducible build
    assert url(app, "static") != before


def test_a_large_file_is_not_held_in_memory(app: Flask, folder: Path) -> None:
    with (folder / "film.mp4").open("wb") as film:
        film.truncate(20_000_000)
    tracemalloc.start()
    try:
        url(app, "static", "film.mp4")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_part_is_not_sent_by_a_weak_validator(app: Flask) -> None:
    at = url(app, "static")
    etag = get(app, at, Accept_Encoding="gzip").headers["ETag"]
    assert etag.startswith("W/")
    assert get(app, at, Range="bytes=0-9", If_Range=etag).status_code == 200
    assert get(app, at, Range="bytes=0-9", If_Range=etag.removeprefix("W/")).status_code == 206
