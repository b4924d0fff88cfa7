"""One computation: when many requests miss the same value, only one computes it."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask, abort, flash, session

from ..waiting import LONG, Stopwatch, wait_until
from .support import LEASE, Count, Entries, Flight, breaker, cache, entries, serve

pytestmark = pytest.mark.usefixtures("patient", "long_leases")


@pytest.fixture
def long_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """No lease ends, and nobody tires of waiting, because the machine is busy."""
    monkeypatch.setattr(LEASE, 60)


def test_a_hundred_misses_at_once_are_one_computation(app: Flask) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(LONG)
        return "value"

    count = Count(slow)

    def ask() -> object:
        with app.app_context():
            return cache.remember("slow", count)

    with ThreadPoolExecutor(100) as pool:
        asked = [pool.submit(ask) for _ in range(100)]
        assert begun.wait(LONG)
        go_on.set()
        assert {each.result() for each in asked} == {"value"}
    assert count.calls == 1


class Waiting:
    """Who has looked at which lease."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: dict[bytes | None, set[int]] = defaultdict(set)
        read = Entries.read

        def note(*args: Any) -> Any:
            found = read(*args)
            self.threads[found[-1]].add(threading.get_ident())
            return found

        monkeypatch.setattr(Entries, "read", note)

    def at_the_last(self) -> int:
        """How many have looked at the last lease, its holder included."""
        seen = [len(threads) for lease, threads in self.threads.items() if lease]
        return seen[-1] if seen else 0


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    return Waiting(monkeypatch)


def visit(app: Flask, method: str) -> int:
    return app.test_client().open("/page", method=method).status_code


def at_once(ask: Callable[[], object], requests: int) -> list[object]:
    with ThreadPoolExecutor(requests) as pool:
        return [asked.result() for asked in [pool.submit(ask) for _ in range(requests)]]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_those_who_waited_for_a_missing_page_do_not_queue(
    app: Flask, waiting: Waiting, method: str
) -> None:
    together = threading.Barrier(3)

    def missing() -> None:
        if view.calls == 1:
            wait_until(lambda: waiting.at_the_last() == 4)
        else:
            together.wait(LONG)
        abort(404)

    _, view = serve(app, missing)
    assert at_once(lambda: visit(app, method), 4) == [404] * 4


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("before", ["missing", "flash", "session"])
def test_one_answer_that_cannot_be_stored_takes_nothing_from_the_next(
    app: Flask, waiting: Waiting, before: str, method: str
) -> None:
    answers: dict[str, Callable[[], Any]] = {
        "missing": lambda: abort(404),
        "flash": lambda: str(flash("saved")),  # type: ignore[func-returns-value]
        "session": lambda: f"hello {session.get('name')}",
    }
    _, view = serve(app, answers[before])
    visit(app, method)

    def good() -> str:
        wait_until(lambda: waiting.at_the_last() == 20)
        return "good"

    view.answer = good
    assert at_once(lambda: visit(app, method), 20) == [200] * 20
    assert view.calls == 2


def test_a_computation_that_raises_lets_the_next_one_begin(app: Flask) -> None:
    with app.app_context(), Stopwatch() as watch:
        with pytest.raises(ZeroDivisionError):
            cache.remember("key", lambda: 1 // 0)
        assert cache.remember("key", lambda: 2) == 2
    assert watch.seconds < 2  # the lease would be longer


def test_a_computation_may_ask_for_itself(app: Flask) -> None:
    def fall() -> int:
        depth.append(1)
        return 0 if len(depth) > 3 else 1 + cache.remember("depth", fall)

    depth: list[int] = []
    with app.app_context(), Stopwatch() as watch:
        assert cache.remember("depth", fall) == 3
        assert cache.get("depth") == 3
    assert watch.seconds < 2  # the lease would be longer


def test_a_request_waits_for_two_failures_and_then_computes(app: Flask, waiting: Waiting) -> None:
    together = threading.Barrier(8, timeout=LONG)

    def fail() -> None:
        if count.calls > 2:
            together.wait()
        else:
            wait_until(lambda: waiting.at_the_last() == 11 - count.calls)
        raise ZeroDivisionError

    count = Count(fail)

    def ask() -> None:
        with app.app_context(), pytest.raises(ZeroDivisionError):
            cache.remember("key", count)

    at_once(ask, 10)


def test_nobody_waits_longer_than_two_leases(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LEASE, 0.2)
    with app.app_context():
        assert breaker().add(entries().name("lease", "key"), b"somebody's", 60)
        begun = time.monotonic()
        assert cache.remember("key", lambda: "mine") == "mine"
        assert 0.4 <= time.monotonic() - begun < 3
        assert cache.get("key") is None  # only the holder stores


def test_the_holder_of_a_new_lease_looks_once_more(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        lease, add = entries().name("lease", "key"), breaker().add

        def too_late(name: str, value: bytes, timeout: int) -> bool:
            if name == lease:
                cache.set("key", "landed")
            return add(name, value, timeout)

        monkeypatch.setattr(breaker(), "add", too_late)
        assert cache.remember("key", lambda: "computed again") == "landed"
        assert breaker().get_many(lease) == [None]


def test_a_computation_that_outlasts_its_lease_leaves_the_next_lease_alone(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LEASE, 1)
    with app.app_context():
        lease = entries().name("lease", "key")

        def slow() -> str:
            wait_until(lambda: breaker().add(lease, b"the next one's", 60))
            return "value"

        assert cache.remember("key", slow) == "value"
        assert breaker().get_many(lease) == [b"the next one's"]


def test_those_who_waited_for_a_value_that_cannot_be_stored_do_not_queue(
    app: Flask, waiting: Waiting
) -> None:
    together = threading.Barrier(3, timeout=LONG)

    def compute() -> threading.Lock:
        if count.calls == 1:
            wait_until(lambda: waiting.at_the_last() == 4)
        else:
            together.wait()
        return threading.Lock()

    count = Count(compute)

    def ask() -> object:
        with app.app_context():
            return cache.remember("key", count)

    assert all(at_once(ask, 4))


def test_a_value_that_cannot_be_stored_is_computed_each_time(app: Flask) -> None:
    with app.app_context():
        count = Count(lambda: threading.Lock())
        for _ in range(2):
            cache.remember("key", count)
        assert count.calls == 2
        assert cache.get("key") is None


def test_only_one_of_many_adds_wins(app: Flask) -> None:
    together = threading.Barrier(8, timeout=LONG)

    def add(key: str) -> bool:
        with app.app_context():
            together.wait()
            return breaker().add(entries().name("lease", key), b"token", 60)

    with ThreadPoolExecutor(8) as pool:
        for key in map(str, range(20)):
            assert sum(pool.map(add, [key] * 8)) == 1


def test_a_flight_that_ended_waits_for_others_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        with Flight(entries(), "key") as flight:
            for _ in range(2):  # as when it finds a value, refuses it and computes another one
                assert flight.must_compute(force=True)
                flight.release()
        monkeypatch.setattr(LEASE, 0.2)
        assert breaker().add(entries().name("lease", "key"), b"another's", 60)
        begun = time.monotonic()
        assert cache.remember("key", lambda: "mine") == "mine"
        assert time.monotonic() - begun >= 0.4
