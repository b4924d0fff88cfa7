"""What the service adds to the sessions of its engine: its error pages, settings and metrics."""

from datetime import timedelta
from typing import Any, NoReturn

from flask import Flask, Response, after_this_request, session
from werkzeug.test import TestResponse

from .conftest import MakeApp


def broken_store(app: Flask) -> Any:
    """The session store, which from now on fails whenever it is read."""
    interface: Any = app.session_interface

    def fail(*_: object) -> NoReturn:
        raise interface.store.errors[0]("of a test")

    interface.store.load = fail
    return interface.store


def assert_out_of_reach(answer: TestResponse) -> None:
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Your session is out of reach" in answer.text


def test_a_lifetime_given_to_create_app_counts_for_cookie_and_store(make_app: MakeApp) -> None:
    app = make_app(PERMANENT_SESSION_LIFETIME=timedelta(seconds=600))
    interface: Any = app.session_interface
    assert app.permanent_session_lifetime == timedelta(seconds=600)
    assert interface.store._lifetime == 600


def test_without_the_store_answers_that_need_no_session_go_on(make_app: MakeApp) -> None:
    client = make_app().test_client()
    client.post("/tests/note", data={"note": "kept"})
    store = broken_store(client.application)
    for path in ("/tests/cached", "/missing", "/static/missing.css", "/livez"):
        assert client.get(path).status_code in (200, 404)
    assert_out_of_reach(client.get("/tests/note"))
    del store.load
    assert client.get("/tests/note").text == "kept"


def test_an_error_page_is_shown_where_every_answer_needs_the_session(make_app: MakeApp) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    app.context_processor(lambda: {"user": session.get("user")})

    @app.get("/after")
    def after() -> str:
        after_this_request(lambda response: Response(f"for {session.get('user')}"))
        return "hello"

    client = app.test_client()
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], "a" * 43)
    broken_store(app)
    for path in ("/tests/note", "/after"):
        assert_out_of_reach(client.get(path))
    assert client.get("/missing").status_code == 404


def test_the_metrics_measure_what_requests_ask_of_the_store(make_app: MakeApp) -> None:
    client = make_app().test_client()
    client.get("/readyz")  # is not
    client.post("/tests/note", data={"note": "text"})
    client.get("/tests/note")
    measured = client.get("/metrics").text
    for operation in ("create", "load"):
        asked = f'backend="sessions",operation="{operation}"'
        assert "backend_seconds_count{" + asked + "} 1.0" in measured
