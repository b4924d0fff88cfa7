"""Sessions in the signed cookie: Flask's own, with the lifetime and the types as promised."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask, session

from ..hub import cookie
from ..visitor import (
    Visitor,
    both,
    everything,
    logout,
    look,
    nothing,
    pass_time,
    regenerate,
)

MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app() -> MakeApp:
    def make(**config: object) -> Flask:
        app = Flask(__name__, static_folder=None)
        app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(days=14)
        app.config.update({"TESTING": True, "SECRET_KEY": "old" * 11, **config})
        app.session_interface = cookie.CookieSessions()
        return app

    return make


@pytest.fixture
def alice(make_app: MakeApp) -> Visitor:
    """Somebody with a session."""
    visitor = Visitor(make_app())
    visitor.do(lambda: session.update(user="alice", cart={"1": 1}))
    return visitor


def stay() -> None:
    session.permanent = True


def go() -> None:
    session.permanent = False


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


def test_of_two_requests_at_once_one_is_lost(alice: Visitor) -> None:
    """A store would keep both. Without one, nobody can."""
    with alice.slowly(look, lambda: session.update(slow=True)):
        quick = alice.twin()
        quick.do(lambda: session.update(quick=True))
    assert "quick" in quick.do(everything)
    assert "quick" not in alice.do(everything)


def test_what_was_put_in_comes_out_of_the_same_type(alice: Visitor) -> None:
    kept = [{1: (2, b"3")}, {4}, Decimal("1.10"), datetime(2024, 2, 29, 1, 2, 3, 4, UTC)]
    alice.do(lambda: session.update(kept=kept))
    found: list[Any] = []
    alice.do(lambda: found.extend(session["kept"]))
    assert found == kept


def test_an_old_key_is_still_understood_and_nobody_elses(alice: Visitor, make_app: MakeApp) -> None:
    rotated = make_app(SECRET_KEY="new" * 11, SECRET_KEY_FALLBACKS=["old" * 11])
    assert Visitor(rotated, alice.cookie).do(look) == "alice"
    assert Visitor(make_app(SECRET_KEY="new" * 11), alice.cookie).do(look) is None


@pytest.mark.parametrize("given", ["x" * 4000, "../../etc/passwd", "a.b.c", "*"])
def test_a_cookie_from_elsewhere_is_never_adopted(make_app: MakeApp, given: str) -> None:
    assert Visitor(make_app(), given).do(everything) == {}


def test_regenerate_keeps_what_is_in_the_session(alice: Visitor) -> None:
    alice.do(both(regenerate, lambda: session.update(role="admin")))
    assert alice.do(lambda: [session["user"], session["role"]]) == ["alice", "admin"]


def test_logout_takes_the_cookie_away(alice: Visitor) -> None:
    alice.do(logout)
    assert alice.cookie is None
    assert alice.do(everything) == {}


def test_an_emptied_session_ends(alice: Visitor) -> None:
    alice.do(go)
    alice.do(lambda: [session.pop(name) for name in ("user", "cart")])
    assert alice.cookie is None


def test_to_say_how_long_it_lives_begins_no_session_and_a_logout_needs_none(
    make_app: MakeApp,
) -> None:
    robot = Visitor(make_app())
    for view in (stay, go, logout, regenerate):
        assert "Set-Cookie" not in robot.request(view).headers


def test_the_cookie_outlives_the_browser_unless_the_app_says_otherwise(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(view: Callable[[], object]) -> str | None:
        return alice.request(view).headers.get("Set-Cookie")

    assert "Expires=" in str(sent(lambda: session.update(x=1)))
    for _ in range(2):
        header = sent(go)
        assert header
        assert "Expires=" not in header
        assert "Max-Age=" not in header
    assert alice.do(lambda: session.permanent) is False
    pass_time(monkeypatch, seconds=0.2 * alice.app.permanent_session_lifetime.total_seconds())
    assert "Expires=" not in str(sent(look))
    assert "Expires=" in str(sent(stay))
    assert alice.do(look) == "alice"
