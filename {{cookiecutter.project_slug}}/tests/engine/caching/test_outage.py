"""Bounded failure: no request fails because the cache is down, and only one waits."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import pytest
from flask import Flask

from ..hub import caching
from ..line import Line
from ..waiting import LONG, Stopwatch, wait_until
from .conftest import MakeApp
from .support import breaker, cache, store

commands: Any = import_module(f"{caching.__name__}.commands")

BREAKER = f"{caching.__name__}.breaker"
WAYS = pytest.mark.parametrize("way", ["closed", "hangs", "nonsense"])


@pytest.fixture
def line(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    monkeypatch.setattr(f"{BREAKER}.PROBE_INTERVAL", 0.1)
    line = Line(url)
    yield line
    line.end()


def serve(app: Flask, answer: Callable[[], str]) -> Callable[[], tuple[str, str]]:
    """A cached page: what a visit to it gives, and its Cache-Status."""
    app.add_url_rule("/page", "page", cache.page(timeout=60, tags=("products",))(answer))

    def visit() -> tuple[str, str]:
        seen = app.test_client().get("/page")
        assert seen.status_code == 200
        return seen.text, seen.headers["Cache-Status"]

    return visit


def calls_to(place: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """The calls to a store as they end, and whether it worked."""
    calls: list[tuple[str, bool]] = []

    def watched(name: str) -> Callable[..., Any]:
        operation = getattr(place, name)

        def call(*arguments: Any) -> Any:
            worked = False
            try:
                answer = operation(*arguments)
                worked = True
                return answer
            finally:
                calls.append((name, worked))

        return call

    for name in ("get_many", "set", "set_many", "add", "delete_many"):
        monkeypatch.setattr(place, name, watched(name))
    return calls


@WAYS
@pytest.mark.parametrize("debug", [False, True])
def test_one_request_waits_and_the_others_do_not_ask(
    make_app: MakeApp, line: Line, monkeypatch: pytest.MonkeyPatch, way: str, debug: bool
) -> None:
    app = make_app(CACHE_URL=line.near_end, DEBUG=debug)
    visit = serve(app, lambda: "page")
    wait_until(lambda: "hit" in visit()[1])
    monkeypatch.setattr(f"{BREAKER}.PROBE_INTERVAL", 60)
    with app.app_context():
        calls = calls_to(store(), monkeypatch)

    line.fail(way)
    assert visit()[0] == "page"
    assert [worked for _, worked in calls].count(False) == 1, calls
    calls.clear()
    for _ in range(5):
        text, status = visit()
        assert (text, "hit" in status) == ("page", False)
        with app.app_context():
            assert cache.get("key") is None
            assert not cache.set("key", 1)
            cache.invalidate("products")
    assert calls == []


@WAYS
def test_the_cache_is_used_again_after_its_return_and_logged_twice(
    make_app: MakeApp, line: Line, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    visit = serve(make_app(CACHE_URL=line.near_end), lambda: "page")
    visit()
    line.fail(way)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: visit()[0], range(16))) == ["page"] * 16
    line.mend()
    wait_until(lambda: "hit" in visit()[1])

    def said() -> list[str]:
        return [record.message[:17] for record in caplog.records if record.name == BREAKER]

    down, back = "The cache is down", "The cache is back"
    wait_until(lambda: said()[-1] == back)
    assert said() == [down, back] * (len(said()) // 2)  # a machine too busy is an outage, too


def test_a_service_that_starts_without_its_cache_finds_it_later(
    make_app: MakeApp, line: Line
) -> None:
    line.fail("closed")
    visit = serve(make_app(CACHE_URL=line.near_end), lambda: "page")
    assert visit()[0] == "page"
    line.mend()
    wait_until(lambda: "hit" in visit()[1])


@WAYS
@pytest.mark.parametrize("change", ["invalidate", "delete", "clear"])
def test_an_invalidation_during_an_outage_holds_afterwards(
    make_app: MakeApp, line: Line, way: str, change: str
) -> None:
    changes: dict[str, Callable[[], object]] = {
        "invalidate": lambda: cache.invalidate("products"),
        "delete": lambda: cache.delete("key"),
        "clear": lambda: cache.clear(),
    }
    with make_app(CACHE_URL=line.near_end).app_context():
        assert cache.remember("key", lambda: "old", tags=("products",)) == "old"
        line.fail(way)
        changes[change]()
        line.mend()
        for _ in range(100):
            assert cache.remember("key", lambda: "new", tags=("products",)) == "new"
        wait_until(lambda: not breaker().open)
        assert cache.remember("key", lambda: "new", tags=("products",)) == "new"


def test_a_computation_from_before_an_outage_does_not_undo_a_delete(
    make_app: MakeApp, line: Line
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(LONG)
        return "old"

    app = make_app(CACHE_URL=line.near_end)

    def reader() -> str:
        with app.app_context():
            return cache.remember("key", slow)

    with ThreadPoolExecutor(1) as pool, app.app_context():
        reading = pool.submit(reader)
        assert begun.wait(LONG)
        line.fail("closed")
        cache.delete("key")
        line.mend()
        wait_until(lambda: not breaker().open)
        go_on.set()
        assert reading.result() == "old"
        assert cache.remember("key", lambda: "new") == "new"


def test_an_outage_that_only_a_reader_noticed_ends_too(make_app: MakeApp, line: Line) -> None:
    with make_app(CACHE_URL=line.near_end).app_context():
        wait_until(lambda: bool(cache.set("key", "value")))
        line.fail("closed")
        assert cache.get("key") is None
        line.mend()
        wait_until(lambda: cache.get("key") == "value")


def test_a_computation_during_an_outage_blocks_nobody_afterwards(
    make_app: MakeApp, line: Line
) -> None:
    def compute() -> str:
        line.fail("hangs")
        cache.get("another")
        return "first"

    with make_app(CACHE_URL=line.near_end).app_context():
        assert cache.remember("key", compute) == "first"
        line.mend()
        wait_until(lambda: not breaker().open)
        with Stopwatch() as watch:
            assert cache.remember("key", lambda: "second") == "second"
        assert watch.seconds < 2  # the lease would be five


def test_a_value_that_is_too_large_for_the_network_is_no_outage(
    make_app: MakeApp, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    def goes_on() -> bool:
        caplog.clear()
        with make_app(CACHE_URL=line.near_end).app_context():
            cache.set("small", "value")
            line.fail("narrow")
            for _ in range(2):
                assert cache.remember("large", lambda: os.urandom(900_000))
                found = cache.get("small")
        line.mend()
        said = [record.getMessage() for record in caplog.records if record.name == BREAKER]
        return found == "value" and ["bytes are not cached" in each for each in said] == [True] * 2

    assert any(goes_on() for _ in range(5))  # a busy machine may be too late for "small"


def test_workers_that_ping_at_once_do_not_disturb_each_other(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = make_app(), make_app()
    with one.app_context():
        set_many = store().set_many

        def meanwhile(*arguments: object) -> object:
            monkeypatch.undo()
            done = set_many(*arguments)
            with other.app_context():
                assert cache.ping()
            return done

        monkeypatch.setattr(store(), "set_many", meanwhile)
        assert cache.ping()


def test_the_lease_of_another_outlives_the_outage(make_app: MakeApp, line: Line) -> None:
    with make_app(CACHE_URL=line.near_end).app_context():
        line.fail("closed")
        cache.get("key")
        breaker().delete_many("lease", until=time.monotonic())
        line.mend()
        with make_app().app_context():
            assert breaker().add("lease", b"another's", 60)
        wait_until(lambda: not breaker().open)
        assert breaker().get_many("lease") == [b"another's"]
        breaker().delete_many("lease")


def test_a_ping_tells_whether_the_cache_answers(make_app: MakeApp, line: Line) -> None:
    def answers() -> bool:
        try:
            return cache.ping()
        except Exception:  # each client library has errors of its own
            return False

    with make_app(CACHE_URL=line.near_end).app_context():
        wait_until(answers)
        line.fail("closed")
        assert not answers()
        line.mend()
        wait_until(answers)


@pytest.mark.parametrize("command", [("stats",), ("clear",), ("invalidate", "products")])
def test_a_command_says_that_the_cache_is_out_of_reach(
    make_app: MakeApp, line: Line, command: tuple[str, ...]
) -> None:
    line.fail("closed")
    app = make_app(CACHE_URL=line.near_end, METRICS_PORT=1)
    app.cli.add_command(cache.commands[0])
    said = app.test_cli_runner().invoke(args=["cache", *command])
    assert said.exit_code == 1
    assert "cannot be reached" in said.output
