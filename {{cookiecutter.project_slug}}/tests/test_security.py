"""What the service refuses, and what it has browsers refuse."""

import pytest
from flask import session
from flask.testing import FlaskClient

from .conftest import MakeApp
from .visitor import Visitor

ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "http://localhost.elsewhere.example"},
    {"Origin": "http://localhost:9999"},
    {"Origin": "null"},
]
HERE = [
    {},  # no browser
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://localhost"},
    {"Origin": "https://localhost"},  # behind a proxy that ends TLS
]


@pytest.mark.parametrize(
    "path", ["/tests/cached", "/tests/note", "/livez", "/nothing", "/api/nothing"]
)
def test_every_answer_has_the_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers

    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_pages_need_nothing_that_the_policy_forbids(client: FlaskClient) -> None:
    page = client.get("/nothing").text

    assert "<style" not in page
    assert " style=" not in page
    assert " onclick=" not in page
    assert page.count("<script") == page.count("<script src=")


def test_only_production_insists_on_tls(client: FlaskClient, make_app: MakeApp) -> None:
    production = make_app(APP_ENV="production", SECRET_KEY="k" * 48).test_client()

    assert "Strict-Transport-Security" not in client.get("/livez").headers
    assert "max-age=" in production.get("/livez").headers["Strict-Transport-Security"]


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_a_form_of_another_site_changes_nothing(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    answer = client.post("/tests/note", data={"note": "text"}, headers=headers)

    assert answer.status_code == 403
    assert "another site" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert client.get("/tests/note").text == "None"


@pytest.mark.parametrize("headers", HERE)
def test_a_form_of_this_site_counts(client: FlaskClient, headers: dict[str, str]) -> None:
    client.post("/tests/note", data={"note": "text"}, headers=headers)

    assert client.get("/tests/note").text == "text"


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_a_link_of_another_site_is_followed(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.get("/tests/cached", headers=headers).status_code == 200


def test_the_cookie_of_the_session_is_as_the_service_was_told(make_app: MakeApp) -> None:
    told = {"NAME": "other", "SAMESITE": "Strict", "PATH": "/run", "PARTITIONED": True}
    visitor = Visitor(make_app(**{f"SESSION_COOKIE_{name}": told[name] for name in told}))
    (cookie,) = visitor.request(lambda: session.update(x=1)).headers.getlist("Set-Cookie")
    assert cookie.startswith("other=")
    assert {"SameSite=Strict", "Path=/run", "Partitioned"} <= set(cookie.split("; "))


def test_a_body_of_more_than_a_megabyte_is_refused(client: FlaskClient) -> None:
    assert client.post("/tests/note", data={"note": "1" * 2_000_000}).status_code == 413


def test_only_trusted_hosts_are_answered(make_app: MakeApp) -> None:
    client = make_app(TRUSTED_HOSTS="shop.example, .shop.example").test_client()

    def status(host: str, path: str = "/livez", method: str = "GET") -> int:
        return client.open(path, method=method, headers={"Host": host}).status_code

    assert status("shop.example") == status("www.shop.example:8000") == 200
    assert status("127.0.0.1:8000") == 200  # the container's health check
    assert status("shop.example.elsewhere.example") == 400
    assert status("elsewhere.example", "/nothing") == 400
    assert status("elsewhere.example", "/tests/note", "POST") == 400


def test_without_trusted_hosts_any_is_answered(client: FlaskClient) -> None:
    assert client.get("/livez", headers={"Host": "anything.example"}).status_code == 200


@pytest.mark.parametrize("host", ["x" * 300, "a..b"])
def test_what_is_no_host_is_a_bad_request(client: FlaskClient, host: str) -> None:
    assert client.get("/livez", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_method_that_may_change_something_is_guarded(
    client: FlaskClient, method: str
) -> None:
    answer = client.open("/nothing", method=method, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403


def test_an_error_is_kept_by_nobody_and_a_redirect_is_none(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/folder/", "folder", lambda: "here")

    assert app.test_client().get("/nothing").cache_control.no_store
    redirect = app.test_client().get("/folder")
    assert (redirect.status_code, redirect.location) == (308, "http://localhost/folder/")
