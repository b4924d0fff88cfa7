"""Sessions in MongoDB: what goes over the wire, what has expired, and what is too much."""

import pytest
from flask import session

from ..mongodb import client, listen
from ..visitor import Visitor, everything, logout, look, nothing, pass_time
from .conftest import MakeApp
from .places import Place
from .store import key, store_of

pytestmark = pytest.mark.usefixtures("patient")


def test_a_request_costs_no_command_one_or_two(
    make_app: MakeApp, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = listen(monkeypatch)
    alice = Visitor(make_app(at=place.given))
    alice.do(lambda: session.update(user="alice"))
    for view, asked in (
        (nothing, []),
        (look, ["find"]),
        (lambda: session.update(x=1), ["find", "update"]),
        (logout, ["delete"]),
    ):
        commands.names.clear()
        alice.do(view)
        assert commands.names == asked
    assert commands.concerns == [{"w": "majority", "j": True}] * 3


def test_what_has_expired_has_ended_before_the_server_deletes_it(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, name = store_of(alice.app), key(alice)
    data = store.load(name)
    pass_time(monkeypatch, seconds=store._lifetime + 1)
    assert store.load(name) is None
    assert not store.replace(name, data, b"new")
    assert alice.do(look) is None


def test_what_is_too_large_is_an_error_and_what_was_there_stays(alice: Visitor) -> None:
    before = alice.do(everything)
    for visitor in (alice, Visitor(alice.app)):
        with pytest.raises(ValueError, match="is more than MongoDB takes"):
            visitor.request(lambda: session.update(large="x" * client.LARGEST))
    assert alice.do(everything) == before
