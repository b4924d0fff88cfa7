"""Safe pages: a stored page is the same for everybody, and for nobody else."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    abort,
    after_this_request,
    flash,
    redirect,
    request,
    session,
)

from .conftest import MakeApp
from .support import cache, pass_time, serve

pytestmark = pytest.mark.usefixtures("patient")


def test_a_page_is_computed_once(app: Flask) -> None:
    client, view = serve(app, lambda: "hello")
    first, second = client.get("/page"), client.get("/page")
    assert (first.text, second.text, view.calls) == ("hello", "hello", 1)
    assert first.headers["Cache-Status"].endswith("; fwd=miss; stored")
    assert "; hit; ttl=" in second.headers["Cache-Status"]
    assert second.cache_control.public
    assert 55 < int(second.cache_control.max_age or 0) <= 60


def test_browsers_may_keep_a_page_as_long_as_the_cache_does(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, view = serve(app, lambda: "hello", stale=300)
    client.get("/page")

    def allowed() -> tuple[int, int]:
        control = client.get("/page").cache_control
        assert control.public
        assert control.max_age is not None
        return control.max_age, int(control.stale_while_revalidate or 0)

    pass_time(monkeypatch, 20)
    fresh, stale = allowed()
    assert (35 < fresh <= 40, stale) == (True, 300)

    view.answer = lambda: abort(500)
    pass_time(monkeypatch, 80)
    fresh, stale = allowed()
    assert (fresh, 255 < stale <= 260) == (0, True)


@pytest.mark.parametrize("option", ["max_age", "timeout"])
def test_a_page_may_have_browsers_ask_each_time(app: Flask, option: str) -> None:
    client, _ = serve(app, lambda: "hello", stale=300, **{option: 0})
    for _ in range(2):
        control = client.get("/page").cache_control
        assert (control.public, control.max_age) == (True, 0)
        assert control.stale_while_revalidate is None


def test_a_page_answers_304_to_a_browser_that_has_it(app: Flask) -> None:
    client, view = serve(app, lambda: "hello")
    etag = client.get("/page").headers["ETag"]
    again = client.get("/page", headers={"If-None-Match": etag})
    assert (again.status_code, again.data, view.calls) == (304, b"", 1)
    assert again.headers["ETag"] == etag


def test_a_page_is_kept_for_each_listed_argument_and_host_and_nothing_else(app: Flask) -> None:
    client, view = serve(app, lambda: request.full_path + request.host, args=("q",))
    answers = [
        client.get("/page?q=a").text,
        client.get("/page?q=b").text,
        client.get("/page?q=a", base_url="http://other.example").text,
    ]
    assert len(set(answers)) == view.calls == 3
    assert client.get("/page?utm_source=x&q=a").text == answers[0]
    assert view.calls == 3


def test_two_paths_are_two_pages_however_their_urls_are_written(app: Flask) -> None:
    view = cache.page(timeout=60)(lambda name: name)
    app.add_url_rule("/named/<path:name>", "named", view)
    client = app.test_client()
    names = {"a b": "a%20b", "a%20b": "a%2520b", "admin": "admin", "%61dmin": "%2561dmin"}
    for _ in range(2):
        assert {name: client.get(f"/named/{url}").text for name, url in names.items()} == {
            name: name for name in names
        }


def test_a_page_is_kept_for_each_value_of_the_listed_headers(app: Flask) -> None:
    client, view = serve(app, lambda: request.headers["Accept-Language"], vary=("Accept-Language",))
    for language in ("de", "fr", "de"):
        answer = client.get("/page", headers={"Accept-Language": language})
        assert answer.text == language
        assert "Accept-Language" in answer.headers["Vary"]
    assert view.calls == 2


def test_only_get_is_cached_and_head_gets_the_same(app: Flask) -> None:
    client, view = serve(app, lambda: request.method)
    assert client.post("/page").text == "POST"
    assert client.head("/page").data == b""
    assert client.get("/page").text == "GET"
    assert client.post("/page").text == "POST"
    calls = view.calls
    assert "; hit" in client.head("/page").headers["Cache-Status"]
    assert view.calls == calls


def test_a_request_with_authorization_bypasses_the_cache(app: Flask) -> None:
    client, _ = serve(app, lambda: request.headers.get("Authorization", "nobody"))
    hers = client.get("/page", headers={"Authorization": "Bearer alice"})
    assert (hers.text, hers.cache_control.public) == ("Bearer alice", False)
    assert client.get("/page").text == "nobody"
    assert client.get("/page", headers={"Authorization": "Bearer bob"}).text == "Bearer bob"


def touched_session() -> str:
    return f"hello {session.get('name')}"


def flashed() -> str:
    flash("saved")
    return "done"


def with_cookie() -> Response:
    answer = Response("mine")
    answer.set_cookie("choice", "1")
    return answer


def marked_private() -> Response:
    answer = Response("mine")
    answer.cache_control.private = True
    return answer


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(touched_session, id="session"),
        pytest.param(flashed, id="flash"),
        pytest.param(with_cookie, id="cookie"),
        pytest.param(marked_private, id="private"),
        pytest.param(lambda: Response(iter(["a", "b"])), id="stream"),
        pytest.param(lambda: redirect("/elsewhere"), id="redirect"),
        pytest.param(lambda: ("teapot", 418), id="status"),
        pytest.param(lambda: abort(404), id="abort"),
    ],
)
def test_an_answer_that_is_not_for_everybody_is_never_stored(
    app: Flask, answer: Callable[[], Any]
) -> None:
    client, view = serve(app, answer, stale=60)
    for visits in (1, 2, 3):
        seen = client.get("/page")
        assert view.calls == visits
        assert "hit" not in seen.headers.get("Cache-Status", "")


def set_cookie_after(response: Response) -> Response:
    response.set_cookie("visitor", "1")
    return response


def touch_session_after(response: Response) -> Response:
    response.headers["X-Remembered"] = str(session.get("remember"))  # as Flask-Login does
    return response


def forbid_after(response: Response) -> Response:
    response.cache_control.private = True
    return response


def vary_after(response: Response) -> Response:
    response.vary.add("X-Plan")
    return response


CHANGES = [set_cookie_after, touch_session_after, forbid_after, vary_after]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", ["view", "before", "app"])
def test_what_happens_to_an_answer_after_the_view_counts(
    make_app: MakeApp, change: Callable[[Response], Response], place: str
) -> None:
    """An extension's functions may run before or after the cache's, the view's own before both."""
    app = make_app()
    client, view = serve(app, lambda: after_this_request(change) and "mine")
    if place != "view":
        view.answer = lambda: "mine"
    if place == "before":
        app.before_request(lambda: after_this_request(change) and None)
    if place == "app":
        app.after_request(change)
    for visits in (1, 2):
        seen = client.get("/page")
        assert (view.calls, seen.text) == (visits, "mine")
        assert "stored" not in seen.headers["Cache-Status"]
        personal = seen.cache_control.private and not seen.cache_control.public
        assert personal or change is vary_after


@pytest.mark.parametrize("change", [set_cookie_after, touch_session_after])
def test_a_stored_page_is_private_for_who_gets_a_cookie_with_it(
    app: Flask, change: Callable[[Response], Response]
) -> None:
    client, _ = serve(app, lambda: "hello")
    client.get("/page")
    app.after_request_funcs.setdefault(None, []).append(change)
    seen = client.get("/page")
    assert "; hit" in seen.headers["Cache-Status"]
    assert (seen.cache_control.private, seen.cache_control.public) == (True, False)


def test_a_stored_page_has_what_its_view_added_after_the_request(app: Flask) -> None:
    def answer() -> str:
        @after_this_request
        def sign(response: Response) -> Response:
            response.headers.add("X-Signed", "once")
            return Response(f"{response.get_data(as_text=True)}, signed", headers=response.headers)

        return "hello"

    client, view = serve(app, answer)
    for _ in range(2):
        seen = client.get("/page")
        assert (seen.text, seen.headers.getlist("X-Signed")) == ("hello, signed", ["once"])
    assert view.calls == 1


def test_an_answer_that_fails_after_the_view_is_not_stored(make_app: MakeApp) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    client, view = serve(app, lambda: "hello")
    failing = [True, False]

    @app.after_request
    def fail(response: Response) -> Response:
        if failing and failing.pop(0):
            raise ZeroDivisionError
        return response

    assert client.get("/page").status_code == 500
    assert "stored" in client.get("/page").headers["Cache-Status"]
    assert view.calls == 2


def test_a_page_may_be_kept_as_briefly_as_its_view_says(app: Flask) -> None:
    def brief() -> Response:
        return Response("hello", headers={"Cache-Control": "max-age=5, must-revalidate"})

    client, _ = serve(app, brief, stale=300)
    for _ in range(2):
        control = client.get("/page").cache_control
        assert (control.max_age, control.stale_while_revalidate) == (5, None)


def test_call_on_close_of_a_stored_answer_is_called(app: Flask) -> None:
    ended: list[str] = []

    def answer() -> Response:
        response = Response("hello")
        response.call_on_close(lambda: ended.append("it"))
        return response

    client, _ = serve(app, answer)
    client.get("/page").close()
    assert ended == ["it"]


@pytest.mark.parametrize("directive", ["no-store", "no-cache"])
def test_an_answer_that_forbids_storing_is_not_stored(app: Flask, directive: str) -> None:
    client, view = serve(app, lambda: Response("fresh", headers={"Cache-Control": directive}))
    assert [client.get("/page").text, client.get("/page").text] == ["fresh", "fresh"]
    assert view.calls == 2


def test_a_page_that_varies_on_an_unlisted_header_is_not_stored(app: Flask) -> None:
    def answer() -> Response:
        return Response(request.headers["X-Plan"], headers={"Vary": "X-Plan"})

    client, _ = serve(app, answer, vary=("Accept-Language",))
    for plan in ("free", "paid"):
        seen = client.get("/page", headers={"X-Plan": plan})
        assert (seen.text, set(seen.vary)) == (plan, {"X-Plan", "Accept-Language"})


def test_a_page_that_touched_the_session_is_private(app: Flask) -> None:
    def answer() -> Response:
        return Response(touched_session(), headers={"Cache-Control": "public, max-age=60"})

    client, _ = serve(app, answer)
    seen = client.get("/page")
    assert seen.headers["Cache-Status"].endswith("; fwd=miss; detail=session")
    assert seen.cache_control.private
    assert seen.cache_control.no_cache
    assert seen.cache_control.max_age is None
    assert not seen.cache_control.public


def test_a_visitor_whose_session_was_touched_before_the_view_gets_no_stored_page(
    app: Flask,
) -> None:
    client, view = serve(app, lambda: f"hello {session.get('name', 'stranger')}")

    @app.before_request
    def load_user() -> None:
        if "session" in "".join(request.cookies):
            session.get("name")

    @app.get("/login")
    def login() -> str:
        session["name"] = "alice"
        return "welcome"

    view.answer = lambda: "hello stranger"
    assert "stored" in client.get("/page").headers["Cache-Status"]
    client.get("/login")
    view.answer = lambda: f"hello {session['name']}"
    answer = client.get("/page")
    assert answer.text == "hello alice"
    assert "fwd=bypass; detail=session" in answer.headers["Cache-Status"]
    assert "; hit" in app.test_client().get("/page").headers["Cache-Status"]


def test_a_request_with_a_body_bypasses_the_cache(app: Flask) -> None:
    client, _ = serve(app, lambda: request.get_data(as_text=True) or "nothing")
    assert client.get("/page", data="mine").text == "mine"
    assert client.get("/page").text == "nothing"
    assert client.get("/page", data="yours").text == "yours"


@pytest.mark.parametrize(
    "headers",
    [
        [("Vary", "Accept-Language"), ("Vary", "Cookie")],
        [("Cache-Control", "max-age=60"), ("Cache-Control", "private")],
        [("Pragma", "no-cache")],
        [("Expires", "0")],
        [("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")],
        [("Content-Security-Policy", "script-src 'nonce-dGVzdA'")],
    ],
    ids=lambda headers: f"{headers[0][0]} {headers[-1][1]}",
)
def test_an_answer_whose_headers_forbid_sharing_is_not_stored(
    app: Flask, headers: list[tuple[str, str]]
) -> None:
    client, view = serve(app, lambda: Response("mine", headers=headers), vary=("Accept-Language",))
    for visits in (1, 2):
        seen = client.get("/page")
        assert (view.calls, seen.cache_control.public) == (visits, False)
        said = str(seen.headers.getlist(headers[-1][0]))
        assert headers[-1][1] in said


def test_browsers_never_keep_a_page_longer_than_its_timeout(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = serve(app, lambda: "hello")
    client.get("/page")
    pass_time(monkeypatch, -3600)  # the clock was wrong
    assert client.get("/page").cache_control.max_age == 60
