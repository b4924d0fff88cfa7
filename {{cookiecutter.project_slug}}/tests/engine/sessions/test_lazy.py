"""A request that does not use the session costs nothing; one that does costs one command or two."""

import pytest
from flask import Flask, session

from ..visitor import Visitor, everything, logout, look, nothing, pass_time, regenerate
from .conftest import MakeApp
from .store import Counted, failing

pytestmark = pytest.mark.usefixtures("patient")


def test_a_request_costs_what_it_uses(alice: Visitor) -> None:
    count = Counted(alice.app)

    assert count.of(lambda: alice.do(nothing)) == []
    assert count.of(lambda: alice.do(everything)) == ["load"]
    assert count.of(lambda: alice.do(lambda: session.update(x=1))) == ["load", "replace"]
    assert count.of(lambda: alice.do(logout)) == ["delete"]
    assert count.of(lambda: alice.do(everything)) == []
    assert count.of(lambda: alice.do(lambda: session.update(x=1))) == ["create"]


def test_an_untouched_session_leaves_no_mark_on_the_answer(alice: Visitor) -> None:
    count = Counted(alice.app)
    for response in (alice.request(nothing), alice.client.get("/missing")):
        assert "Set-Cookie" not in response.headers
        assert "Cookie" not in response.vary
    assert count.calls == []


def test_a_touched_session_varies_by_cookie_and_does_not_send_it_again(alice: Visitor) -> None:
    for view in (everything, lambda: session.update(x=1)):
        response = alice.request(view)
        assert "Set-Cookie" not in response.headers
        assert "Cookie" in response.vary


def test_nobody_gets_a_session_by_reading_one(app: Flask) -> None:
    visitor = Visitor(app)
    response = visitor.request(look)
    assert visitor.cookie is None
    assert "Cookie" in response.vary


def test_the_cookie_is_renewed_before_it_runs_out_and_not_each_time(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = alice.cookie
    lifetime = alice.app.permanent_session_lifetime.total_seconds()
    pass_time(monkeypatch, seconds=0.09 * lifetime)
    assert "Set-Cookie" not in alice.request(look).headers
    pass_time(monkeypatch, seconds=0.02 * lifetime)
    assert "Set-Cookie" not in alice.request(nothing).headers
    assert f"Max-Age={lifetime:.0f}" in alice.request(look).headers["Set-Cookie"]
    assert alice.cookie != first
    assert "Set-Cookie" not in alice.request(look).headers
    assert alice.do(look) == "alice"
    pass_time(monkeypatch, seconds=-0.02 * lifetime)  # a clock that was wrong sent this cookie
    assert "Set-Cookie" in alice.request(look).headers


def test_a_change_renews_the_cookie_too(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    count = Counted(alice.app)
    pass_time(monkeypatch, seconds=0.2 * alice.app.permanent_session_lifetime.total_seconds())
    first = alice.cookie
    assert count.of(lambda: alice.do(lambda: session.update(x=1))) == ["load", "replace"]
    assert alice.cookie != first


def test_a_renewal_that_fails_is_put_off(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    pass_time(monkeypatch, seconds=0.2 * alice.app.permanent_session_lifetime.total_seconds())
    with failing("replace", alice.app):
        assert alice.do(look) == "alice"
        assert "Set-Cookie" not in alice.request(look).headers
    assert "Set-Cookie" in alice.request(look).headers


def test_a_late_renewal_does_not_take_the_place_of_a_newer_cookie(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_time(monkeypatch, seconds=0.2 * alice.app.permanent_session_lifetime.total_seconds())
    late = alice.twin()
    before = late.cookie
    with late.slowly(look, nothing):
        alice.do(regenerate)
    assert late.cookie == before


def test_to_say_how_long_it_lives_begins_no_session(app: Flask) -> None:
    @app.before_request
    def stay() -> None:
        session.permanent = True

    robot = Visitor(app)
    count = Counted(app)
    assert count.of(lambda: robot.do(nothing)) == []
    assert robot.cookie is None


def test_the_lifetime_is_the_apps(make_app: MakeApp) -> None:
    visitor = Visitor(make_app(PERMANENT_SESSION_LIFETIME=600))
    headers = visitor.request(lambda: session.update(user="alice")).headers
    assert "Max-Age=600" in headers["Set-Cookie"]
