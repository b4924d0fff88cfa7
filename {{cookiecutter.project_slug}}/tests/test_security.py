"""What the service refuses, and what it has browsers refuse."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from .conftest import MakeApp

ORIGINS = "https://elsewhere.example http://localhost.elsewhere.example http://localhost:9999 null"
ELSEWHERE = [
    *({"Sec-Fetch-Site": site} for site in ("cross-site", "same-site")),
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    *({"Origin": origin} for origin in ORIGINS.split()),
]
HERE = [
    {},  # no browser
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://localhost"},
    {"Origin": "https://localhost"},  # behind a proxy that ends TLS
]


def test_every_answer_has_the_headers(client: FlaskClient) -> None:
    for path in ("/tests/cached", "/tests/note", "/livez", "/nothing", "/api/nothing"):
        headers = client.get(path).headers

        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_only_production_insists_on_tls(client: FlaskClient, production: Flask) -> None:
    insisting = production.test_client().get("/livez").headers

    assert "Strict-Transport-Security" not in client.get("/livez").headers
    assert "max-age=" in insisting["Strict-Transport-Security"]


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_another_site_can_only_link_here(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.get("/tests/cached", headers=headers).status_code == 200

    answer = client.post("/tests/note", data={"note": "text"}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert client.get("/tests/note").text == "None"


@pytest.mark.parametrize("headers", HERE)
def test_a_form_of_this_site_counts(client: FlaskClient, headers: dict[str, str]) -> None:
    client.post("/tests/note", data={"note": "text"}, headers=headers)

    assert client.get("/tests/note").text == "text"


def test_every_method_that_changes_something_is_guarded(client: FlaskClient) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.open("/nothing", method=method, headers={"Sec-Fetch-Site": "cross-site"})

        assert answer.status_code == 403


def test_the_cookie_is_safe_and_in_production_bound_to_tls(app: Flask, production: Flask) -> None:
    name = app.config["SESSION_COOKIE_NAME"]
    assert name != "session"  # another service on this host would have it, too
    for service, prefix in ((app, ""), (production, "__Host-")):
        client = service.test_client()
        for note in ("x", ""):  # which ends the session
            answer = client.post("/tests/note", data={"note": note}, base_url="https://localhost")
            cookie = answer.headers["Set-Cookie"]
            assert cookie.startswith(f"{prefix}{name}=")
            assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
            assert ("; Secure" in cookie) == (service is production)
            assert "Domain" not in cookie


def test_a_body_of_more_than_a_megabyte_is_refused(client: FlaskClient) -> None:
    assert client.post("/tests/note", data={"note": "1" * 2_000_000}).status_code == 413


def test_only_trusted_hosts_are_answered(make_app: MakeApp) -> None:
    client = make_app(TRUSTED_HOSTS="shop.example, .shop.example").test_client()

    def status(host: str, path: str, method: str = "GET") -> int:
        return client.open(path, method=method, headers={"Host": host}).status_code

    for host in ("shop.example", "www.shop.example:8000", "SHOP.example.", "[::1]:8000"):
        assert status(host, "/tests/cached") == (400 if ":1" in host else 200)
    for probe in ("/livez", "/readyz", "/metrics"):
        assert status("10.0.0.7:8000", probe) in (200, 503)  # a pod's address; 503 if it is busy
    for path in ("/nothing", "/tests/cached", "/static/style.css"):
        assert status("elsewhere.example", path) == 400
    assert status("shop.example.elsewhere.example", "/tests/note", "POST") == 400


def test_any_valid_host_is_answered_by_default(client: FlaskClient) -> None:
    for host, status in (("anything.example", 200), ("x" * 300, 400), ("a..b", 400)):
        assert client.get("/livez", headers={"Host": host}).status_code == status


def test_no_cache_keeps_an_error_and_a_redirect_is_no_error(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/folder/", "folder", lambda: "here")

    assert app.test_client().get("/nothing").cache_control.no_store
    redirect = app.test_client().get("/folder")
    assert (redirect.status_code, redirect.location) == (308, "http://localhost/folder/")
