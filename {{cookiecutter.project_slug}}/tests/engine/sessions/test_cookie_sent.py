"""The cookie: every answer that must carry it does, with the attributes of the app's config."""

from typing import Any

import pytest
from flask import Flask, Response, session

from ..visitor import Visitor, logout, look
from .conftest import MakeApp

pytestmark = pytest.mark.usefixtures("patient")


def test_a_response_that_takes_the_place_of_another_has_the_cookie(app: Flask) -> None:
    app.after_request(lambda response: Response(response.data, mimetype=response.mimetype))
    visitor = Visitor(app)
    visitor.do(lambda: session.update(user="alice"))
    assert visitor.do(look) == "alice"


def test_the_page_of_an_error_after_the_view_has_the_cookie(make_app: MakeApp) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    alice = Visitor(app)

    @app.after_request
    def fail(response: Response) -> Response:
        if response.status_code == 200 and "Set-Cookie" in response.headers:
            raise RuntimeError
        return response

    assert alice.request(lambda: session.update(user="alice")).status_code == 500
    assert alice.do(look) == "alice"


def test_the_apps_own_functions_see_the_cookie_and_an_error_of_the_save(
    make_app: MakeApp,
) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    seen: list[tuple[int, bool]] = []

    @app.after_request
    def note(response: Response) -> Response:
        seen.append((response.status_code, "Set-Cookie" in response.headers))
        return response

    visitor = Visitor(app)
    visitor.request(lambda: session.update(deep=[]))
    visitor.request(lambda: session["deep"].append(object()))
    assert seen == [(200, True), (500, False)]


def test_the_cookie_is_as_the_app_is_configured(make_app: MakeApp) -> None:
    app = make_app(
        SESSION_COOKIE_NAME="mine",
        SESSION_COOKIE_DOMAIN="localhost",
        SESSION_COOKIE_PATH="/run",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_PARTITIONED=True,
    )
    told = {"Domain=localhost", "Path=/run", "Secure", "HttpOnly", "SameSite=Strict", "Partitioned"}
    visitor = Visitor(app)
    for view in (lambda: session.update(x=1), logout):
        options = {"base_url": "https://localhost"}
        (cookie,) = visitor.request(view, **options).headers.getlist("Set-Cookie")
        assert cookie.startswith("mine=")
        assert told <= set(cookie.split("; "))


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app: Flask) -> None:
    headers = Visitor(app).request(lambda: session.update(x=1)).headers
    (cookie,) = headers.getlist("Set-Cookie")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_cookies_that_the_server_cannot_read_begin_no_new_sessions(app: Flask) -> None:
    def ask(path: str) -> Any:
        return client.get(path, environ_overrides={"HTTP_COOKIE": ""})

    app.add_url_rule("/used", "used", lambda: str(session.get("user")))
    app.add_url_rule("/unused", "unused", lambda: "page")
    client = app.test_client(use_cookies=False)
    assert ask("/unused").status_code == 200
    refused = ask("/used")
    assert (refused.status_code, refused.headers["Clear-Site-Data"]) == (400, '"cookies"')
    assert "ASCII" in refused.text
    assert "Set-Cookie" not in refused.headers
