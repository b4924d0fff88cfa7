"""What the service does while its cache is away, and when it is back."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from . import caching
from .conftest import MakeApp
from .line import Line, wait_until

cache = caching.cache
BREAKER = f"{caching.__name__}.breaker"


@pytest.fixture
def line(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    monkeypatch.setattr(f"{BREAKER}.PROBE_INTERVAL", 0.1)
    line = Line(make_app().extensions["settings"].cache_url.get_secret_value())
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


WAYS = pytest.mark.parametrize("way", ["closed", "hangs", "nonsense"])


@WAYS
@pytest.mark.parametrize("debug", [False, True])
def test_one_request_waits_and_the_others_do_not_even_ask(
    make_app: MakeApp, line: Line, monkeypatch: pytest.MonkeyPatch, way: str, debug: bool
) -> None:
    monkeypatch.setattr(f"{BREAKER}.PROBE_INTERVAL", 60)
    app = make_app(CACHE_URL=line.near_end, DEBUG=debug)
    visit = serve(app, lambda: "page")
    visit()
    assert "hit" in visit()[1]

    line.fail(way)
    begun = time.monotonic()
    assert visit()[0] == "page"
    assert time.monotonic() - begun < 0.5
    connections = line.connections
    for _ in range(20):
        text, status = visit()
        assert (text, "hit" in status) == ("page", False)
        with app.app_context():
            assert cache.get("key") is None
            assert not cache.set("key", 1)
            cache.invalidate("products")
    assert line.connections == connections


@WAYS
def test_the_cache_is_used_again_after_its_return_and_logged_twice(
    make_app: MakeApp,
    line: Line,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    monkeypatch.undo()  # the interval is as it is in production
    visit = serve(make_app(CACHE_URL=line.near_end), lambda: "page")
    visit()
    line.fail(way)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: visit()[0], range(16))) == ["page"] * 16
    line.mend()
    wait_until(lambda: "hit" in visit()[1])
    said = [record.message for record in caplog.records if record.name == BREAKER]
    assert [message[:17] for message in said] == ["The cache is down", "The cache is back"]


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
def test_what_was_invalidated_meanwhile_is_never_served_again(
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
        wait_until(lambda: not cache.store.open)
        assert cache.remember("key", lambda: "new", tags=("products",)) == "new"


def test_what_was_deleted_meanwhile_is_not_brought_back_by_who_began_before(
    make_app: MakeApp, line: Line
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(5)
        return "old"

    app = make_app(CACHE_URL=line.near_end)

    def reader() -> str:
        with app.app_context():
            return cache.remember("key", slow)

    with ThreadPoolExecutor(1) as pool, app.app_context():
        reading = pool.submit(reader)
        assert begun.wait(5)
        line.fail("closed")
        cache.delete("key")
        line.mend()
        wait_until(lambda: not cache.store.open)
        go_on.set()
        assert reading.result() == "old"
        assert cache.remember("key", lambda: "new") == "new"


def test_an_outage_that_only_a_reader_met_ends_too(make_app: MakeApp, line: Line) -> None:
    with make_app(CACHE_URL=line.near_end).app_context():
        cache.set("key", "value")
        line.fail("closed")
        assert cache.get("key") is None
        line.mend()
        wait_until(lambda: cache.get("key") == "value")


def test_whoever_computed_when_the_cache_went_keeps_nobody_waiting_on_its_return(
    make_app: MakeApp, line: Line
) -> None:
    def compute() -> str:
        line.fail("hangs")
        cache.get("another")
        return "first"

    with make_app(CACHE_URL=line.near_end).app_context():
        assert cache.remember("key", compute) == "first"
        line.mend()
        wait_until(lambda: not cache.store.open)
        begun = time.monotonic()
        assert cache.remember("key", lambda: "second") == "second"
        assert time.monotonic() - begun < 2  # the lease would be five


def test_the_service_is_ready_but_degraded(make_app: MakeApp, line: Line) -> None:
    client = make_app(CACHE_URL=line.near_end).test_client()

    def status() -> str:
        seen = client.get("/readyz")
        assert seen.status_code == 200
        return str(seen.get_json()["status"])

    assert status() == "ok"
    line.fail("hangs")
    assert status() == "degraded"
    line.mend()
    wait_until(lambda: status() == "ok")


@pytest.mark.parametrize("command", [("stats",), ("clear",), ("invalidate", "products")])
def test_a_command_says_that_the_cache_is_out_of_reach(
    make_app: MakeApp, line: Line, command: tuple[str, ...]
) -> None:
    line.fail("closed")
    app = make_app(CACHE_URL=line.near_end)
    said = app.test_cli_runner().invoke(args=["cache", *command])
    assert said.exit_code == 1
    assert "cannot be reached" in said.output
