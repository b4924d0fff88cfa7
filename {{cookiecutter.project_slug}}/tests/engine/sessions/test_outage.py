"""The store is down, or hangs: what visitors see of it, and what is there afterwards.

The store waits as long as it does in production, unless a test asks for a patient one.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask, session
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.test import TestResponse

from ..visitor import View, Visitor, look, nothing
from ..waiting import LONG, Stopwatch, wait_until
from .conftest import MakeApp
from .places import Place, Way
from .store import Counted, failing, store_of

WAYS = pytest.mark.parametrize("state", ["closed", "hangs"])


@pytest.fixture
def way(place: Place, url: str) -> Iterator[Way]:
    way = place.way(url)
    yield way
    way.mend()
    way.end()


@pytest.fixture
def alice(make_app: MakeApp, way: Way) -> Visitor:
    """Somebody with a session."""
    visitor = Visitor(make_app(at=way.near_end))
    do(visitor, lambda: session.update(user="alice", visits=0))
    return visitor


def do(visitor: Visitor, view: View) -> Any:
    """What the view returns. A store that works may be late on a busy machine, so try again."""
    answers: list[TestResponse] = []

    def ask() -> bool:
        answers.append(visitor.request(view))
        return answers[-1].status_code == 200

    wait_until(ask)
    return answers[-1].json


def visit() -> object:
    """Reads and writes."""
    session["visits"] = session.get("visits", 0) + 1
    return session["visits"]


@WAYS
def test_only_what_needs_the_session_is_unavailable_and_nothing_is_lost(
    alice: Visitor, way: Way, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    way.fail(state)

    assert alice.request(nothing).status_code == 200
    refusal = alice.request(visit)
    assert refusal.status_code == 503
    assert int(refusal.headers["Retry-After"]) > 0
    assert "Set-Cookie" not in refusal.headers
    assert "Your session is out of reach" in refusal.text
    assert "The session store failed" in caplog.text

    way.mend()
    assert do(alice, look) == "alice"
    assert do(alice, visit) >= 1  # what hung may have happened


@WAYS
def test_a_store_that_fails_at_the_save_is_a_503_too(alice: Visitor, way: Way, state: str) -> None:
    def view() -> None:
        session["user"] = "bob"
        way.fail(state)

    refusal = alice.request(view)
    assert refusal.status_code == 503
    assert int(refusal.headers["Retry-After"]) > 0

    way.mend()
    assert do(alice, look) in ("alice", "bob")


@WAYS
@pytest.mark.parametrize("first", [nothing, look])
def test_a_request_waits_for_half_a_second_at_most(
    alice: Visitor, way: Way, state: str, first: View
) -> None:
    """At the load, or at the save. A busy machine can only add to it: one of three shows it."""

    def view() -> None:
        first()
        way.fail(state)
        visit()

    def seconds() -> float:
        with Stopwatch() as watch:
            assert alice.request(view).status_code == 503
        way.mend()
        do(alice, look)
        return watch.seconds

    assert any(seconds() < 0.5 for _ in range(3))


def test_a_request_does_not_wait_for_the_store_twice(alice: Visitor, way: Way) -> None:
    def view() -> None:
        for _ in range(3):
            with suppress(ServiceUnavailable):
                visit()

    count = Counted(alice.app)
    way.fail("closed")
    calls = count.of(lambda: alice.request(view))
    assert calls in (["load"], ["load", "replace"])  # readers may be served while writers wait


def test_the_service_starts_while_the_store_is_down(make_app: MakeApp, way: Way) -> None:
    way.fail("closed")
    visitor = Visitor(make_app(at=way.near_end))
    assert visitor.request(lambda: session.update(user="bob")).status_code == 503
    assert visitor.cookie is None

    way.mend()
    do(visitor, lambda: session.update(user="bob"))
    assert do(visitor, look) == "bob"


@pytest.mark.usefixtures("patient")
def test_after_a_restart_of_the_store_no_request_fails(make_app: MakeApp, way: Way) -> None:
    alice = Visitor(make_app(at=way.near_end))
    alice.do(visit)
    together = threading.Barrier(4)

    def view() -> None:
        together.wait(LONG)  # so that each has a connection of its own
        visit()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: alice.twin().do(view), range(4)))
    way.fail("closed")
    way.mend()
    for _ in range(6):
        alice.do(visit)


@pytest.mark.usefixtures("patient")
def test_a_probe_does_what_requests_do(app: Flask) -> None:
    interface: Any = app.session_interface
    count = Counted(app)
    calls = count.of(interface.ping)
    assert set(calls) == {"create", "load", "delete"}
    assert interface.ping()
    for operation in ("create", "load", "delete"):
        with failing(operation, app), pytest.raises(store_of(app).errors):
            interface.ping()


@pytest.mark.usefixtures("patient")
def test_an_error_page_that_needs_the_session_is_the_same_error_at_once(app: Flask) -> None:
    app.register_error_handler(503, lambda error: (f"{type(error).__name__} {held()}", 503))

    def held() -> object:
        with suppress(ServiceUnavailable):
            return session.get("user")
        return "unknown"

    visitor = Visitor(app, "a" * 43)
    count = Counted(app)
    with failing("load", app):
        calls = count.of(lambda: visitor.request(look))
        assert visitor.request(look).text == "ServiceUnavailable unknown"
    assert calls == []
