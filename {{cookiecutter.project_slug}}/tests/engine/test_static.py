"""Static files: a URL for each state of a file."""

from pathlib import Path

import pytest
from flask import Blueprint, Flask, url_for
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
