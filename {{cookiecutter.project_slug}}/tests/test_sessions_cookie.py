"""Sessions in the signed cookie: Flask's own, with the lifetime and the types as promised."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import session

from . import sessions
from .conftest import MakeApp
from .visitor import Visitor, both, everything, logout, look, nothing, pass_time


@pytest.fixture
def alice(make_app: MakeApp) -> Visitor:
    """Someone with a session."""
    visitor = Visitor(make_app(SECRET_KEY="old" * 11))
    visitor.do(lambda: session.update(user="alice", cart={"1": 1}))
    return visitor


def test_only_what_touches_the_session_varies_by_it(alice: Visitor) -> None:
    assert "Cookie" not in alice.request(nothing).vary
    assert "Set-Cookie" not in alice.request(nothing).headers
    assert "Cookie" in alice.request(look).vary
    assert "Set-Cookie" not in alice.request(look).headers


def test_the_cookie_is_renewed_before_it_runs_out_and_not_each_time(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifetime = alice.app.permanent_session_lifetime.total_seconds()
    for _ in range(3):
        pass_time(monkeypatch, seconds=0.6 * lifetime)
        assert "Set-Cookie" not in alice.request(nothing).headers
        assert "Set-Cookie" in alice.request(look).headers
        assert "Set-Cookie" not in alice.request(look).headers
        assert alice.do(look) == "alice"
    thief = alice.twin()
    pass_time(monkeypatch, seconds=lifetime + 2)
    assert thief.do(look) is None


def test_a_change_deep_inside_is_saved(alice: Visitor) -> None:
    alice.do(lambda: session["cart"].update({"2": 1}))
    assert alice.do(lambda: session["cart"]) == {"1": 1, "2": 1}


def test_equal_values_of_different_types_are_a_change(alice: Visitor) -> None:
    alice.do(lambda: session["cart"].update({"1": True}))
    assert alice.do(lambda: type(session["cart"]["1"]).__name__) == "bool"


def test_what_was_put_in_comes_out_of_the_same_type(alice: Visitor) -> None:
    kept = [{1: (2, b"3")}, {4}, Decimal("1.10"), datetime(2024, 2, 29, 1, 2, 3, 4, UTC)]
    alice.do(lambda: session.update(kept=kept))
    found: list[Any] = []
    alice.do(lambda: found.extend(session["kept"]))
    assert found == kept


def test_an_old_key_is_still_understood_and_nobody_elses(alice: Visitor, make_app: MakeApp) -> None:
    rotated = make_app(SECRET_KEY="new" * 11, SECRET_KEY_FALLBACKS="old" * 11)
    assert Visitor(rotated, alice.cookie).do(look) == "alice"
    assert Visitor(make_app(SECRET_KEY="new" * 11), alice.cookie).do(look) is None


@pytest.mark.parametrize("cookie", ["x" * 4000, "../../etc/passwd", "a.b.c", "*"])
def test_a_cookie_from_elsewhere_is_never_adopted(make_app: MakeApp, cookie: str) -> None:
    assert Visitor(make_app(), cookie).do(everything) == {}


def test_regenerate_keeps_what_is_in_the_session(alice: Visitor) -> None:
    alice.do(both(sessions.regenerate, lambda: session.update(role="admin")))
    assert alice.do(lambda: [session["user"], session["role"]]) == ["alice", "admin"]


def test_logout_takes_the_cookie_away(alice: Visitor) -> None:
    alice.do(logout)
    assert alice.cookie is None
    assert alice.do(everything) == {}


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(make_app: MakeApp) -> None:
    cookie = Visitor(make_app()).request(lambda: session.update(x=1)).headers["Set-Cookie"]
    assert cookie.startswith("session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Expires=" in cookie


def test_in_production_the_cookie_is_bound_to_the_host_and_to_tls(make_app: MakeApp) -> None:
    visitor = Visitor(make_app(APP_ENV="production", SECRET_KEY="k" * 32))
    for view in (lambda: session.update(x=1), logout):
        cookie = visitor.request(view).headers["Set-Cookie"]
        assert cookie.startswith("__Host-session=")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
