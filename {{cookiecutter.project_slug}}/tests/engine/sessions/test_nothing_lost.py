"""Of what requests change at the same time, nothing is lost but what they change both."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Response, abort, after_this_request, session
from markupsafe import Markup

from ..visitor import Visitor, both, everything, look
from ..waiting import LONG
from .conftest import MakeApp
from .store import store_of

pytestmark = pytest.mark.usefixtures("patient")


def test_parallel_requests_that_change_different_keys_all_survive(alice: Visitor) -> None:
    together = threading.Barrier(12)

    def meet() -> None:
        session.get("user")
        together.wait(LONG)

    def change(number: int) -> None:
        def put() -> None:
            session[f"key{number}"] = number
            session["cart"][f"product{number}"] = 1

        visitor = alice.twin()
        if visitor.request(both(meet, put)).status_code == 503:  # on a machine that is too busy
            visitor.do(put)

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(change, range(12)))

    kept = alice.do(everything)
    assert {f"key{number}": number for number in range(12)}.items() <= kept.items()
    assert kept["cart"] == {"1": 1, **{f"product{number}": 1 for number in range(12)}}


def test_a_dict_that_two_requests_begin_holds_what_both_put_in(alice: Visitor) -> None:
    with alice.twin().slowly(look, lambda: session.update(seen={"a": 1})):
        alice.do(lambda: session.update(seen={"b": 2}))
    assert alice.do(lambda: session["seen"]) == {"a": 1, "b": 2}


def test_a_dict_that_one_request_changes_and_another_removes_is_whole_or_gone(
    alice: Visitor,
) -> None:
    def change() -> None:
        session["cart"]["2"] = 1

    def remove() -> None:
        del session["cart"]

    with alice.twin().slowly(look, change):
        alice.do(remove)
    assert alice.do(everything) == {"user": "alice", "cart": {"1": 1, "2": 1}}
    with alice.twin().slowly(look, remove):
        alice.do(change)
    assert alice.do(everything) == {"user": "alice"}


def test_equal_values_of_different_types_are_a_change(alice: Visitor) -> None:
    def kinds() -> list[str]:
        return [type(session[key]).__name__ for key in ("flag", "text")]

    alice.do(lambda: session.update(flag=1, text="<b>"))
    with alice.twin().slowly(look, lambda: session.update(flag=True, text=Markup("<b>"))):
        alice.do(lambda: session.update(other=1))
    assert alice.do(kinds) == ["bool", "Markup"]


def test_an_empty_dict_is_kept_and_removed_like_any_other(alice: Visitor) -> None:
    alice.do(lambda: session.update(old={}))
    with alice.twin().slowly(look, lambda: session.update(mine={})):
        alice.do(lambda: [session.pop("old"), session.update(theirs={})])
    assert alice.do(everything) == {"user": "alice", "cart": {"1": 1}, "mine": {}, "theirs": {}}


def test_a_save_that_never_succeeds_ends(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_of(alice.app), "replace", lambda *_: False)
    assert alice.request(lambda: session.update(user="bob")).status_code == 503


def test_of_two_values_for_one_key_the_later_save_wins(alice: Visitor) -> None:
    with alice.twin().slowly(look, lambda: session.update(user="later", other=[2])):
        alice.do(lambda: session.update(user="earlier", other=[1]))
    assert alice.do(lambda: [session["user"], session["other"]]) == ["later", [2]]


def test_what_one_request_removed_another_that_kept_it_does_not_bring_back(alice: Visitor) -> None:
    with alice.twin().slowly(look, lambda: session["cart"].update({"2": 1})):
        alice.do(lambda: [session.pop("user"), session["cart"].pop("1")])
    assert alice.do(everything) == {"cart": {"2": 1}}


def test_a_change_deep_inside_is_saved(alice: Visitor) -> None:
    alice.do(lambda: session.update(deep=[{"list": []}]))
    alice.do(lambda: session["deep"][0]["list"].append("found"))
    assert alice.do(lambda: session["deep"]) == [{"list": ["found"]}]


def test_a_change_after_the_view_is_saved(alice: Visitor) -> None:
    def note(response: Response) -> Response:
        session["noted"] = True
        return response

    def view() -> None:
        after_this_request(note)

    alice.do(view)
    assert alice.do(lambda: session["noted"]) is True


def test_an_error_of_the_view_does_not_lose_what_it_saved(alice: Visitor) -> None:
    def view() -> None:
        session["tries"] = 1
        abort(403)

    assert alice.request(view).status_code == 403
    assert alice.do(lambda: session["tries"]) == 1


def test_workers_share_the_sessions(alice: Visitor, make_app: MakeApp, url: str) -> None:
    other = Visitor(make_app(at=url), alice.cookie)
    assert other.do(look) == "alice"
    other.do(lambda: session.update(seen=True))
    assert alice.do(lambda: session["seen"]) is True
