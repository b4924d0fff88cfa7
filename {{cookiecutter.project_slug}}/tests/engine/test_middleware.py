"""What every request gets, whatever the app's own functions do."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, after_this_request, request_finished, session
from werkzeug.datastructures import Headers
from werkzeug.exceptions import Forbidden

from .hub import middleware, page

Middleware = middleware.Middleware


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.secret_key = "of the tests"
    app.add_url_rule("/public", "public", lambda: ("x", {"Cache-Control": "public, max-age=60"}))
    Middleware.of(app)
    return app


def set_cookie(response: Response) -> Response:
    response.set_cookie("name", "value")
    return response


def use_session(response: Response) -> Response:
    session.get("user")
    return response


def set_cookie_late(app: Flask) -> Any:
    def late(_: Flask, response: Response, **__: object) -> None:
        response.set_cookie("name", "value")

    request_finished.connect(late, app)
    return late


def below(app: Flask) -> Any:
    """A WSGI middleware of the app's own that was there first."""
    inner = app.wsgi_app.inner  # type: ignore[attr-defined]

    def add(environ: Any, start: Any) -> Any:
        def begin(status: str, headers: list[Any], *error: Any) -> Any:
            return start(status, [*headers, ("Set-Cookie", "name=value")], *error)

        return inner(environ, begin)

    app.wsgi_app.inner = add  # type: ignore[attr-defined]
    return add


WAYS: list[Callable[[Flask], Any]] = [
    lambda app: app.after_request(set_cookie),
    lambda app: app.after_request(use_session),
    lambda app: app.before_request(lambda: after_this_request(set_cookie) and None),
    lambda app: app.before_request(lambda: session.get("user")),
    set_cookie_late,
    below,
]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_public_is_personal_in_whatever_order(
    app: Flask, way: Callable[[Flask], Any]
) -> None:
    kept = way(app)
    answer = app.test_client().get("/public")
    assert kept
    assert answer.headers.getlist("Cache-Control") == ["private, no-cache"]


def test_an_answer_that_is_not_personal_stays_public(app: Flask) -> None:
    answer = app.test_client().get("/public")
    assert answer.headers.getlist("Cache-Control") == ["public, max-age=60"]


@pytest.mark.parametrize(
    ("lines", "sent"),
    [
        (["public", "private"], ["private, no-cache"]),
        (["public, no-cache"], ["private, no-cache"]),
        (["public, private, no-store"], ["public, private, no-store"]),
        (["max-age=5", "public"], ["max-age=5, public"]),
    ],
)
def test_lines_that_say_two_things_count_as_one(
    app: Flask, lines: list[str], sent: list[str]
) -> None:
    @app.after_request
    def add(response: Response) -> Response:
        del response.headers["Cache-Control"]
        for line in lines:
            response.headers.add("Cache-Control", line)
        return response

    assert app.test_client().get("/public").headers.getlist("Cache-Control") == sent


def test_headers_are_added_that_are_not_there(app: Flask) -> None:
    Middleware.of(app).add_headers({"X-Own": "layer", "Cache-Control": "no-store"})
    headers = app.test_client().get("/public").headers
    assert headers.getlist("X-Own") == ["layer"]
    assert headers.getlist("Cache-Control") == ["public, max-age=60"]


def test_a_check_refuses_before_anything_runs_and_the_app_words_it(app: Flask) -> None:
    def refuse(environ: Any) -> None:
        raise Forbidden("not today")

    seen: list[middleware.Visit] = []
    ran: list[bool] = []
    app.before_request(lambda: ran.append(True))
    app.register_error_handler(Forbidden, lambda error: (f"own page: {error.description}", 403))
    Middleware.of(app).checks.append(refuse)
    Middleware.of(app).watchers.append(seen.append)
    answer = app.test_client().get("/public")
    assert (answer.status_code, answer.text) == (403, "own page: not today")
    assert [(visit.status, visit.endpoint) for visit in seen] == [(403, "public")]
    assert ran == []


def test_a_decision_is_told_what_is_sent_and_whether_anything_is(app: Flask) -> None:
    told: list[object] = []

    def decide(status: int | None, headers: Headers) -> None:
        told.append(status)
        headers["X-Decided"] = "yes"

    def view(broken: bool) -> str:
        visit = middleware.current.get()
        assert visit
        visit.decisions.append(decide)
        if broken:
            raise KeyboardInterrupt
        return ""

    app.add_url_rule("/decided", "decided", lambda: view(broken=False))
    app.add_url_rule("/broken", "broken", lambda: view(broken=True))
    assert app.test_client().get("/decided").headers["X-Decided"] == "yes"
    with pytest.raises(KeyboardInterrupt):
        app.test_client().get("/broken")
    assert told == [200, None]


def test_a_visit_ends_with_its_request(app: Flask) -> None:
    app.add_url_rule("/inside", "inside", lambda: str(middleware.current.get() is not None))
    assert app.test_client().get("/inside").text == "True"
    assert middleware.current.get() is None
    assert not page.session_touched()


def test_in_development_each_answer_says_where_the_time_went(app: Flask) -> None:
    def view() -> str:
        visit = middleware.current.get()
        assert visit
        for backend, seconds in (("cache", 0.25), ("database", 0.5), ("database", 0.25)):
            visit.spend(backend, seconds)
        return "x"

    app.add_url_rule("/", "spending", view)
    client = app.test_client()
    assert "Server-Timing" not in client.get("/").headers
    app.debug = True
    cache, database, rest = client.get("/").headers["Server-Timing"].split(", ")
    assert (cache, database) == ("cache;dur=250.0", "database;dur=750.0")
    assert rest.startswith("view;dur=")


def test_in_development_an_answer_says_what_the_cache_did_if_it_was_asked(app: Flask) -> None:
    def view(asked: bool) -> Any:
        visit = middleware.current.get()
        assert visit
        if asked:
            visit.noted["cache"] = "miss"
        return "x", {"Cache-Status": "name; fwd=miss; stored"}

    app.add_url_rule("/asked", "asked", lambda: view(asked=True))
    app.add_url_rule("/none", "none", lambda: view(asked=False))
    app.debug = True
    client = app.test_client()
    told, rest = client.get("/asked").headers["Server-Timing"].split(", ")
    assert told == 'cache;desc="fwd=miss; stored";dur=0.0'
    assert rest.startswith("view;dur=")
    assert client.get("/none").headers["Server-Timing"].startswith("view;dur=")
