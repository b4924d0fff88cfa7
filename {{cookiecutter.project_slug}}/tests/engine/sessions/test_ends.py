"""A session that has ended stays ended, and one that was emptied ends."""

import pytest
from flask import Flask, flash, get_flashed_messages, session

from ..visitor import Visitor, both, everything, logout, look, nothing, regenerate
from .store import Counted, failing, key, store_of, stored

pytestmark = pytest.mark.usefixtures("patient")


def empty() -> None:
    """Log out as Flask-Login does: by removing keys."""
    for name in list(session):
        session.pop(name)


def test_a_request_in_flight_does_not_bring_an_ended_session_back(alice: Visitor) -> None:
    def write() -> None:
        session["cart"]["2"] = 1
        session["seen"] = True

    for end in (logout, empty):
        for view in (look, write):
            alice.do(lambda: session.update(user="alice", cart={}))
            thief = alice.twin()
            with alice.twin().slowly(look, view):
                assert "Max-Age=0" in alice.request(end).headers["Set-Cookie"]
            assert thief.do(everything) == {}


def test_a_request_that_comes_too_late_does_not_take_the_cookie_away(alice: Visitor) -> None:
    """It may be that of a new session by now."""
    late = alice.twin()
    with late.slowly(look, lambda: session.update(seen=True)):
        alice.do(logout)
    assert late.cookie


def test_logout_with_a_message_ends_the_session_too(alice: Visitor) -> None:
    thief = alice.twin()
    alice.do(both(logout, lambda: flash("Goodbye")))
    assert thief.do(everything) == {}
    assert alice.do(get_flashed_messages) == ["Goodbye"]


def test_what_is_regenerated_after_a_logout_is_not_the_ended_session(alice: Visitor) -> None:
    slow = alice.twin()
    with slow.slowly(look, both(lambda: session.update(new=True), regenerate)):
        alice.do(logout)
    assert slow.do(everything) == {"new": True}


def test_a_logout_without_a_session_leaves_no_mark(app: Flask) -> None:
    for end in (logout, empty):
        count = Counted(app)
        assert "Set-Cookie" not in Visitor(app).request(end).headers
        assert count.calls == []


def test_an_emptied_session_ends(alice: Visitor) -> None:
    thief = alice.twin()
    count = Counted(alice.app)
    assert count.of(lambda: alice.do(empty)) == ["load", "replace", "delete"]
    assert alice.cookie is None
    assert stored(thief) is None
    assert thief.do(everything) == {}


def test_a_session_that_says_only_how_long_it_lives_is_empty(alice: Visitor) -> None:
    alice.do(lambda: setattr(session, "permanent", False))
    alice.do(lambda: [session.pop(name) for name in ("user", "cart")])
    assert alice.cookie is None


def test_an_emptied_session_lives_on_if_another_request_put_something_in(alice: Visitor) -> None:
    slow = alice.twin()
    with slow.slowly(look, empty):
        alice.do(lambda: session.update(seen=True))
    assert slow.cookie
    assert alice.do(everything) == {"seen": True}


def test_a_session_that_two_requests_empty_together_ends(alice: Visitor) -> None:
    slow = alice.twin()
    with slow.slowly(look, lambda: session.pop("user")):
        alice.do(lambda: session.pop("cart"))
    assert slow.cookie is None
    assert stored(alice) is None


def test_an_emptied_session_has_ended_even_if_it_cannot_be_deleted(alice: Visitor) -> None:
    thief = alice.twin()
    with failing("delete", alice.app):
        alice.do(empty)
    assert alice.cookie is None
    assert thief.do(everything) == {}


def test_an_emptied_session_is_whole_if_the_store_fails(alice: Visitor) -> None:
    with failing("replace", alice.app):
        assert alice.request(empty).status_code == 503
    assert alice.do(everything) == {"user": "alice", "cart": {"1": 1}}


def test_a_session_that_was_emptied_and_filled_again_goes_on(alice: Visitor) -> None:
    before = alice.cookie
    alice.do(both(empty, lambda: session.update(user="bob")))
    assert alice.cookie == before
    assert alice.do(everything) == {"user": "bob"}


def test_a_session_that_a_store_holds_empty_ends_when_it_is_used(alice: Visitor) -> None:
    """Older versions of the engine stored such."""
    assert store_of(alice.app).replace(key(alice), stored(alice), b"{}")
    alice.do(nothing)
    assert alice.cookie
    alice.do(look)
    assert alice.cookie is None
