"""No fixation: ids from elsewhere are not adopted, and `regenerate` ends the old id."""

import pytest
from flask import Flask, session

from ..visitor import Visitor, both, everything, logout, look, regenerate
from .conftest import MakeApp
from .store import Counted, failing, key, store_of, stored

pytestmark = pytest.mark.usefixtures("patient")


@pytest.mark.parametrize(
    "cookie",
    ["a" * 43 + ".18bcfe56800", "a" * 43, "x" * 10_000, "../../etc/passwd", "..%2f..%2f", "é", "*"],
)
def test_an_id_from_elsewhere_is_never_adopted(app: Flask, cookie: str) -> None:
    victim = Visitor(app)
    victim.client = app.test_client(use_cookies=False)
    headers = {"Cookie": f"{victim.name}={cookie}"}

    assert victim.request(everything, headers=headers).json == {}
    answer = victim.request(lambda: session.update(user="victim"), headers=headers)
    assert answer.status_code == 200
    assert cookie not in answer.headers["Set-Cookie"]
    assert victim.request(everything, headers=headers).json == {}


def test_regenerate_moves_the_session_and_the_old_id_dies(alice: Visitor) -> None:
    old = alice.twin()
    alice.do(both(lambda: session.update(role="admin"), regenerate))
    assert alice.cookie != old.cookie
    assert alice.do(everything) == {"user": "alice", "cart": {"1": 1}, "role": "admin"}
    assert old.do(everything) == {}
    assert stored(old) is None


def test_regenerate_without_a_session_begins_none(app: Flask) -> None:
    visitor = Visitor(app)
    count = Counted(app)
    assert count.of(lambda: visitor.do(regenerate)) == []
    assert visitor.cookie is None


def test_a_session_that_a_store_holds_empty_is_moved_too(alice: Visitor) -> None:
    assert store_of(alice.app).replace(key(alice), stored(alice), b"{}")
    thief = alice.twin()
    alice.do(both(regenerate, lambda: session.update(user="alice")))
    assert alice.do(look) == "alice"
    assert thief.do(look) is None


def test_regenerate_takes_along_what_others_save_until_then(alice: Visitor) -> None:
    slow = alice.twin()
    with slow.slowly(look, regenerate):
        alice.do(lambda: session["cart"].update({"2": 1}))
    assert slow.do(lambda: session["cart"]) == {"1": 1, "2": 1}
    assert alice.do(everything) == {}


def test_what_others_save_after_regenerate_stays_out(alice: Visitor) -> None:
    old = alice.twin()
    with old.slowly(look, lambda: session.update(user="mallory")):
        alice.do(regenerate)
    assert alice.do(look) == "alice"
    assert old.do(everything) == {}


@pytest.mark.parametrize("operation", ["create", "replace"])
def test_a_move_that_fails_leaves_the_session_where_it_was(alice: Visitor, operation: str) -> None:
    with failing(operation, alice.app):
        answer = alice.request(both(regenerate, lambda: session.update(user="bob")))
    assert answer.status_code == 503
    assert alice.do(everything) == {"user": "alice", "cart": {"1": 1}}


def test_a_session_that_cannot_be_stored_is_not_moved(make_app: MakeApp) -> None:
    alice = Visitor(make_app(PROPAGATE_EXCEPTIONS=False))
    alice.do(lambda: session.update(user="alice", deep=[]))
    answer = alice.request(both(regenerate, lambda: session["deep"].append(object())))
    assert answer.status_code == 500
    assert alice.do(everything) == {"user": "alice", "deep": []}


def test_an_old_id_that_cannot_be_deleted_is_dead_all_the_same(alice: Visitor) -> None:
    old = alice.twin()
    with failing("delete", alice.app):
        alice.do(regenerate)
    assert alice.do(look) == "alice"
    assert old.do(everything) == {}


def test_a_move_of_what_another_request_ended_brings_nothing_back(alice: Visitor) -> None:
    slow = alice.twin()
    count = Counted(alice.app)
    with slow.slowly(look, regenerate):
        alice.do(logout)
    assert slow.cookie  # it may be that of a newer session by now
    assert slow.do(everything) == {}
    assert count.calls.count("create") + 1 == count.calls.count("delete")


def test_a_session_that_was_emptied_does_not_move_but_ends(alice: Visitor) -> None:
    old = alice.twin()
    alice.do(both(regenerate, lambda: [session.pop(name) for name in ("user", "cart")]))
    assert alice.cookie is None
    assert old.do(everything) == {}


def test_the_store_does_not_know_the_cookies(alice: Visitor) -> None:
    sid = (alice.cookie or "").partition(".")[0]
    assert sid not in key(alice)
    assert store_of(alice.app).load(sid) is None
    assert stored(alice)
