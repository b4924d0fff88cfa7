"""A session is a dict, and Flask's session: whatever works with these works with it."""

import copy
from typing import Any

import pytest
from flask import Flask, current_app, session

from ..visitor import Visitor, everything, look, nothing
from .store import Counted

pytestmark = pytest.mark.usefixtures("patient")

HELD = {"user": "alice", "cart": {"1": 1}}


def test_what_can_be_asked_of_a_dict_can_be_asked_of_a_session(alice: Visitor) -> None:
    def view() -> None:
        assert session == HELD
        assert HELD == session  # noqa: SIM300 (the dict is asked first)
        assert session != {"user": "alice"}
        assert session
        assert len(session) == 2
        assert "user" in session
        assert "other" not in session
        assert list(session) == list(HELD)
        assert list(reversed(session)) == list(reversed(HELD))  # type: ignore[call-overload]
        assert dict(session.items()) == HELD
        assert [*session.values()] == [*HELD.values()]
        assert {**session} == HELD
        assert session.get("other", 1) == 1
        with pytest.raises(KeyError):
            session["other"]
        assert repr(session) == f"<Session {HELD!r}>"

    alice.do(view)


def test_a_session_and_a_dict_make_a_dict(alice: Visitor) -> None:
    def view() -> None:
        ours: Any = session
        assert ours | {"user": "bob"} == {**HELD, "user": "bob"}
        assert {"user": "bob", "x": 1} | ours == {"x": 1, **HELD}
        for copied in (ours.copy(), copy.copy(ours), copy.deepcopy(ours), ours | {}):
            assert copied == HELD
            assert type(copied) is dict
            copied.clear()
        deep = copy.deepcopy(ours)
        deep["cart"].clear()

    alice.do(view)
    assert alice.do(everything) == HELD


def test_what_changes_a_dict_changes_a_session(alice: Visitor) -> None:
    def view() -> None:
        ours: Any = session
        ours |= {"a": 1, "b": 2}
        ours.update({"c": 3}, d=4)
        assert ours.setdefault("a", 5) == 1
        ours.setdefault("list", []).append(6)
        assert ours.pop("b") == 2
        assert ours.pop("b", None) is None
        assert ours.popitem() == ("list", [6])
        ours.setdefault("list", []).append(7)
        del ours["c"]

    alice.do(view)
    assert alice.do(everything) == {**HELD, "a": 1, "d": 4, "list": [7]}


def test_an_empty_session_is_false(app: Flask) -> None:
    def view() -> None:
        assert not session
        assert session == {}
        with pytest.raises(KeyError):
            session.popitem()

    Visitor(app).do(view)


def test_flask_can_be_asked_what_happened(alice: Visitor) -> None:
    def view() -> None:
        assert session.accessed
        assert session.permanent
        assert not session.new
        assert not session.modified
        session["cart"]["2"] = 1
        assert session.modified
        session["cart"].pop("2")
        assert not session.modified
        session.modified = True
        assert session.modified

    count = Counted(alice.app)
    assert count.of(lambda: alice.do(view)) == ["load"]

    def first() -> None:
        assert session.new
        session["user"] = "bob"
        assert session.new

    bob = Visitor(alice.app)
    bob.do(first)
    bob.do(lambda: None if session.new else look())


def test_the_id_is_known_when_the_store_knows_it(app: Flask) -> None:
    def sid() -> object:
        return session.sid  # type: ignore[attr-defined]

    visitor = Visitor(app, "a" * 43)
    assert visitor.do(sid) == ""
    visitor.do(lambda: session.update(user="alice"))
    assert visitor.do(sid) == (visitor.cookie or "").partition(".")[0]


def test_a_template_finds_keys_and_not_the_engine(alice: Visitor) -> None:
    names = ("data", "step", "store", "record", "cookie", "interface", "failure", "modified_at")

    def fill() -> None:
        session.update({name: {"step": number} for number, name in enumerate(names)})

    def read() -> list[str]:
        find = current_app.jinja_env.compile_expression
        return [str(find(f"session.{name}.step")(session=session)) for name in names]

    alice.do(fill)
    assert alice.do(read) == [str(number) for number in range(len(names))]


def test_a_copy_is_nobodys_session(alice: Visitor) -> None:
    alice.do(lambda: session.copy().clear())  # type: ignore[attr-defined]
    assert alice.do(look) == "alice"


def test_flasks_test_client_can_look_into_it_and_change_it(alice: Visitor) -> None:
    with alice.client.session_transaction() as ours:
        assert ours["user"] == "alice"
        ours["user"] = "bob"
    assert alice.do(look) == "bob"
    with alice.app.test_client().session_transaction() as ours:
        nothing()
