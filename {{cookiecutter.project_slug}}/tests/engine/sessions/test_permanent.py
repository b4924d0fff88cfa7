"""A session outlives the browser, unless the app says `session.permanent = False`."""

import pytest
from flask import Flask, session

from ..visitor import Visitor, everything, look, pass_time
from .store import Counted, stored

pytestmark = pytest.mark.usefixtures("patient")


def stay() -> None:
    session.permanent = True


def go() -> None:
    session.permanent = False


def test_the_cookie_stays_unless_the_app_says_otherwise(app: Flask) -> None:
    sent = Visitor(app).request(lambda: session.update(x=1)).headers["Set-Cookie"]
    assert f"Max-Age={app.permanent_session_lifetime.total_seconds():.0f}" in sent
    sent = Visitor(app).request(lambda: session.update(x=1, _permanent=False)).headers["Set-Cookie"]
    assert "Max-Age" not in sent
    assert "Expires" not in sent


def test_what_the_app_says_is_told_to_the_browser_once(alice: Visitor) -> None:
    gone = alice.request(go).headers["Set-Cookie"]
    assert "Max-Age" not in gone
    assert "Expires" not in gone
    assert "Set-Cookie" not in alice.request(go).headers
    assert alice.do(lambda: session.permanent) is False
    assert "Max-Age" in alice.request(stay).headers["Set-Cookie"]
    assert "Set-Cookie" not in alice.request(stay).headers
    assert alice.do(look) == "alice"


def test_to_say_at_each_request_what_is_so_anyway_costs_one_write(alice: Visitor) -> None:
    count = Counted(alice.app)
    assert count.of(lambda: alice.do(stay)) == ["load", "replace"]
    assert count.of(lambda: alice.do(stay)) == ["load"]
    assert "Set-Cookie" not in alice.request(stay).headers


def test_a_renewal_keeps_what_the_app_said(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    alice.do(go)
    pass_time(monkeypatch, seconds=0.2 * alice.app.permanent_session_lifetime.total_seconds())
    sent = alice.request(look).headers["Set-Cookie"]
    assert "Max-Age" not in sent
    assert "Expires" not in sent


def test_to_say_it_alone_begins_no_session(app: Flask) -> None:
    visitor = Visitor(app)
    for view in (go, stay):
        visitor.do(view)
        assert visitor.cookie is None


def test_a_logout_takes_such_a_cookie_away_too(alice: Visitor) -> None:
    alice.do(go)
    thief = alice.twin()
    assert "Max-Age=0" in alice.request(lambda: session.clear()).headers["Set-Cookie"]
    assert alice.cookie is None
    assert stored(thief) is None
    assert thief.do(everything) == {}
