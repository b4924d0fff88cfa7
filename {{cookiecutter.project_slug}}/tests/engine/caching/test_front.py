"""Hits in front of Flask: the same answers as through Flask, and nothing of the app's skipped."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import flask.signals
import pytest
from flask import Blueprint, Flask, Request, Response, jsonify, make_response, request
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from werkzeug.routing import BaseConverter

from ..hub import caching, middleware
from .conftest import MakeApp
from .support import Count, cache, serve, store

pytestmark = pytest.mark.usefixtures("patient")

unneeded_for_hits = caching.unneeded_for_hits


class Watch:
    """What the middleware tells of each answer."""

    def __init__(self, app: Flask) -> None:
        self.in_front = False  # whether Flask had no part in the last answer
        self.told: tuple[object, ...] = ()
        middleware.Middleware.of(app).watchers.append(self._note)

    def _note(self, visit: Any) -> None:
        self.in_front = not isinstance(visit.environ.get("werkzeug.request"), Request)
        noted = visit.status, visit.endpoint, visit.noted
        self.told = *noted, len(visit.request_id) > 8, visit.seconds > 0


def known(app: Flask, client: FlaskClient) -> Watch:
    """Ask for /page until Flask need not be asked."""
    watch = Watch(app)
    for _ in range(2):
        client.get("/page")
    assert watch.in_front
    return watch


@contextmanager
def through_flask(app: Flask) -> Iterator[None]:
    app.before_request_funcs[None] = [lambda: None]
    yield
    app.before_request_funcs[None] = []


def dated() -> Response:
    answer = make_response("dated")
    answer.last_modified = datetime(2026, 1, 2, tzinfo=UTC)
    answer.headers["Content-Location"] = "/häuser"
    answer.headers["Content-Language"] = "en"
    return answer


def told() -> Response:
    answer = make_response("told")
    answer.headers["Date"] = "Fri, 02 Jan 2026 00:00:00 GMT"
    answer.headers["X-Twice"] = "1"
    answer.headers.add("X-Twice", "2")
    return answer


def brief() -> Response:
    answer = make_response("brief")
    answer.cache_control.max_age = 5
    answer.vary.add("Accept-Encoding")
    answer.set_etag("own", weak=True)
    return answer


VIEWS: list[Callable[[], Any]] = [
    lambda: "text",
    lambda: "",
    lambda: jsonify(items=[1]),
    lambda: ("ünïcode", {"Content-Type": "text/plain"}),
    dated,
    told,
    brief,
]
CONDITIONS: list[dict[str, str]] = [
    {},
    {"If-None-Match": "ETAG"},
    {"If-None-Match": "W/ETAG"},
    {"If-None-Match": '"other", ETAG'},
    {"If-None-Match": '"other"'},
    {"If-None-Match": "*"},
    {"If-None-Match": "no tag"},
    {"If-None-Match": 'W/"own"'},
    {"If-Modified-Since": "Fri, 02 Jan 2026 00:00:00 GMT"},
    {"If-Modified-Since": "Fri, 01 Jan 2021 00:00:00 GMT"},
    {"If-Modified-Since": "no date"},
    {"If-None-Match": '"other"', "If-Modified-Since": "Fri, 02 Jan 2026 00:00:00 GMT"},
    {"If-Match": '"other"'},
    {"If-Match": "ETAG"},
    {"If-Unmodified-Since": "Fri, 01 Jan 2021 00:00:00 GMT"},
    {"Range": "bytes=0-1"},
    {"Cookie": "session=x; other=y"},
    {"Accept-Language": "de"},
    {"X-Request-ID": "an-id-of-a-proxy"},
    {"Content-Length": "0"},
]

RARE = {"If-Match", "If-Unmodified-Since", "Range"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("view", VIEWS)
def test_both_ways_give_the_same_answers(
    app: Flask, monkeypatch: pytest.MonkeyPatch, view: Callable[[], Any], method: str
) -> None:
    client, count = serve(app, view, stale=30, args=("q",), vary=("Accept-Language",))
    watch = Watch(app)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    etag = client.get("/page?q=1").headers["ETag"]
    client.get("/page?q=1", headers={"Accept-Language": "de"})

    def ask(condition: dict[str, str]) -> tuple[object, ...]:
        headers = {name: value.replace("ETAG", etag) for name, value in condition.items()}
        answer = client.open("/page?q=1&utm=x", method=method, headers=headers)
        kept = {name: answer.headers.getlist(name) for name, _ in answer.headers}
        kept["X-Request-ID"] = [str(len(answer.headers["X-Request-ID"]))]
        in_front.append(watch.in_front)
        return answer.status, kept, answer.data, watch.told

    in_front: list[bool] = []
    with through_flask(app):
        expected = [ask(condition) for condition in CONDITIONS]
    assert not any(in_front)
    in_front.clear()
    assert [ask(condition) for condition in CONDITIONS] == expected
    assert in_front == [condition.keys().isdisjoint(RARE) for condition in CONDITIONS]
    assert count.calls == 2


def test_what_is_no_plain_request_for_a_known_page_goes_into_flask(app: Flask) -> None:
    client, _ = serve(app, lambda: "page", args=("q",))
    watch = known(app, client)

    client.get("/page", headers={"Authorization": "Bearer x"})
    assert not watch.in_front
    for method in ("POST", "OPTIONS", "DELETE"):
        client.open("/page", method=method)
        assert not watch.in_front
    client.get("/page", data="a body")
    assert not watch.in_front
    client.get("/page", base_url="http://elsewhere.example")
    assert not watch.in_front
    client.get("/page", base_url="https://localhost")
    assert not watch.in_front
    client.get("/page", base_url="http://localhost/mounted")
    assert not watch.in_front
    client.get("/page?q=new")
    assert not watch.in_front
    client.get("/page?q=new")
    assert watch.in_front


def test_each_header_of_vary_tells_pages_apart(app: Flask) -> None:
    headers = ("Content-Type", "X-Own", "Accept")
    client, view = serve(app, lambda: str([request.headers.get(h) for h in headers]), vary=headers)
    for header in headers:
        for _ in range(3):
            for value in ("a/b", "c/d"):
                assert value in client.get("/page", headers={header: value}).text
    assert view.calls == 6


def test_a_test_may_look_at_the_request_afterwards(app: Flask) -> None:
    client, _ = serve(app, lambda: "page")
    for _ in range(3):
        with client:
            client.get("/page")
            assert request.path == "/page"


def test_invalidated_and_stale_pages_go_into_flask(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, view = serve(app, lambda: "page", tags=("products",), stale=60)
    watch = Watch(app)
    for _ in range(2):
        client.get("/page")
    assert (watch.in_front, view.calls) == (True, 1)
    with app.app_context():
        cache.invalidate("products")
    assert "fwd=miss; stored" in client.get("/page").headers["Cache-Status"]
    assert (watch.in_front, view.calls) == (False, 2)

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 70)
    client.get("/page")
    assert (watch.in_front, view.calls) == (False, 3)


def hooks(app: Flask, function: Callable[..., Any]) -> dict[str, Callable[[], object]]:
    """Ways to have a function called for each request, also after the first one."""

    def append(registered: dict[Any, list[Any]], scope: str | None) -> Callable[[], object]:
        return lambda: registered.setdefault(scope, []).append(function)

    ways: dict[str, Callable[[], object]] = {
        "teardown_appcontext": lambda: app.teardown_appcontext_funcs.append(function)
    }
    for name in ("before_request", "after_request", "teardown_request"):
        for scope in (None, "shop"):
            ways[f"{name} {scope}"] = append(getattr(app, f"{name}_funcs"), scope)
    for scope in (None, "shop"):
        ways[f"url_value_preprocessor {scope}"] = append(app.url_value_preprocessors, scope)
    for name in (
        "appcontext_pushed",
        "appcontext_popped",
        "appcontext_tearing_down",
        "request_started",
        "request_finished",
        "request_tearing_down",
    ):
        signal = getattr(flask.signals, name)
        ways[f"{name} of the app"] = partial(signal.connect, function, app)
        ways[f"{name} of any"] = partial(signal.connect, function)
    return ways


HOOKS = hooks(Flask("any"), print)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_function_of_the_apps_has_its_say_at_hits(
    app: Flask, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[object] = []

    def of_the_team(first: Any = None, *_: object, **__: object) -> Any:
        calls.append(first)
        return first if hook.startswith("after_request") else None

    blueprint, view = Blueprint("shop", __name__), Count(lambda: "page")
    blueprint.add_url_rule("/page", "page", cache.page(timeout=60)(lambda: view()))
    app.register_blueprint(blueprint)
    client, watch = app.test_client(), Watch(app)
    for _ in range(2):
        client.get("/page")
    assert watch.in_front

    hooks(app, of_the_team)[hook]()
    for number in (1, 2, 3):
        client.get("/page")
        assert (watch.in_front, len(calls), view.calls) == (False, number, 1)
    [line] = [line for line in caplog.messages if "because of" in line]
    assert "of_the_team" in line

    unneeded_for_hits(of_the_team)
    client.get("/page")
    assert (watch.in_front, len(calls)) == (True, 3)
    flask.signals.request_started.disconnect(of_the_team)


def test_the_start_says_what_holds_the_pages_back(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def sign_in() -> None: ...

    app.before_request(sign_in)
    app.test_client().get("/nothing")
    assert [line for line in caplog.messages if "sign_in" in line]


def test_a_sign_in_around_a_page_has_its_say(app: Flask) -> None:
    def signed_in(view: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: ("sign in first", 401) if watch.told else view()

    watch = Watch(app)
    view = cache.page(timeout=60)(lambda: "secret")
    app.add_url_rule("/page", "page", signed_in(view))
    client = app.test_client()
    assert [client.get("/page").status_code for _ in range(3)] == [200, 401, 401]


def test_what_the_app_replaces_later_has_its_say(app: Flask) -> None:
    client, _ = serve(app, lambda: "page")
    known(app, client)
    app.view_functions["page"] = lambda: "closed"
    assert client.get("/page").text == "closed"


class OwnApp(Flask):
    def preprocess_request(self) -> Any:
        return "closed" if self.config.get("CLOSED") else super().preprocess_request()


class OwnResponse(Response):
    pass


class OwnSessions(SecureCookieSessionInterface):
    pass


def change_method(app: Flask) -> None:
    app.preprocess_request = lambda: None  # type: ignore[method-assign]


CHANGES: list[Callable[[Flask], object]] = [
    change_method,
    lambda app: setattr(app, "__class__", OwnApp),
    lambda app: setattr(app, "response_class", OwnResponse),
    lambda app: setattr(app, "session_interface", OwnSessions()),
]


@pytest.mark.parametrize("change", CHANGES)
def test_an_app_that_is_not_flasks_own_answers_itself(
    app: Flask, change: Callable[[Flask], object]
) -> None:
    client, _ = serve(app, lambda: "page")
    watch = known(app, client)
    change(app)
    client.get("/page")
    assert not watch.in_front


def test_a_middleware_below_the_services_own_sees_all_requests() -> None:
    app, seen = Flask(__name__, static_folder=None), []
    inner = app.wsgi_app

    def spy(environ: Any, start: Any) -> Any:
        seen.append(environ["PATH_INFO"])
        return inner(environ, start)

    app.wsgi_app = spy  # type: ignore[method-assign, assignment]
    app.config.update(SECRET_KEY="of the tests", CACHE_KEY_PREFIX="own:", CACHE_TYPE="SimpleCache")
    own = caching.Cache()
    own.init_app(app)
    app.add_url_rule("/page", "page", own.page(timeout=60)(lambda: "page"))
    for _ in range(3):
        app.test_client().get("/page")
    assert len(seen) == 3


def test_a_converter_of_the_apps_is_asked_each_time(app: Flask) -> None:
    asked: list[str] = []

    class Asking(BaseConverter):
        def to_python(self, value: str) -> str:
            asked.append(value)
            return value

    app.url_map.converters["asking"] = Asking
    app.add_url_rule("/<asking:name>", "page", cache.page(timeout=60)(lambda name: name))
    for _ in range(3):
        app.test_client().get("/value")
    assert asked == ["value"] * 3


def test_other_bytes_are_checked_before_they_are_sent(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    client, view = serve(app, lambda: "page")
    known(app, client)
    front: Any = app.extensions["front"]
    [(_, names)] = front._names.values()
    with app.app_context():
        [data] = store().get_many(names.value)
        store().set(names.value, data[:20] + bytes([data[20] ^ 1]) + data[21:], 60)
    assert client.get("/page").text == "page"
    assert view.calls == 2
    assert "An entry of the cache is ignored" in caplog.text


def test_a_page_of_another_key_is_not_sent(app: Flask) -> None:
    client, view = serve(app, lambda: "page")
    for _ in range(2):
        client.get("/page")
    app.config["SECRET_KEY"] = "another"
    client.get("/page")
    assert view.calls == 2
    app.config.update(SECRET_KEY="a third", SECRET_KEY_FALLBACKS=["another"])
    client.get("/page")
    assert view.calls == 2


def test_what_is_remembered_has_an_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{caching.__name__}.front.MOST", 10)
    monkeypatch.setattr(f"{caching.__name__}.front.HELD", 1000)
    client, _ = serve(app, lambda: "page", args=("q",))
    for number in range(20):
        for _ in range(2):
            client.get(f"/page?q={number}", base_url=f"http://host{number}.example")
    front: Any = app.extensions["front"]
    assert len(front._pages) <= 10
    assert len(front._names) <= 10
    assert sum(2 * len(held.data) for held in front._held.values()) < 3000


def test_a_cache_that_is_off_knows_no_pages(make_app: MakeApp) -> None:
    app = make_app(CACHE_URL="null://")
    client, view = serve(app, lambda: "page")
    for _ in range(3):
        client.get("/page")
    assert (app.extensions["front"]._pages, view.calls) == ({}, 3)
