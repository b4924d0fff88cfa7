"""No stale set: a value computed before an invalidation is never served after it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from ..waiting import LONG
from .support import Count, breaker, cache, serve

pytestmark = pytest.mark.usefixtures("patient")


def test_invalidate_reaches_pages_remembered_and_memoized_values(app: Flask) -> None:
    client, view = serve(app, lambda: "page", tags=("products",))
    with app.app_context():
        remembered, memoized = Count(lambda: 1), Count(lambda: 2)
        function = cache.memoize(tags=("products",))(lambda: memoized())
        for rounds in (1, 2):
            for _ in range(2):
                client.get("/page")
                cache.remember("key", remembered, tags=("products",))
                function()
            assert (view.calls, remembered.calls, memoized.calls) == (rounds,) * 3
            cache.invalidate("products")


def test_a_tagged_value_is_gone_for_a_plain_get_too(app: Flask) -> None:
    with app.app_context():
        cache.remember("key", lambda: 1, tags=("products",))
        cache.invalidate()  # none, as after a commit that changed nothing
        assert cache.get("key") == 1
        cache.invalidate("products")
        assert cache.get("key") is None


def test_a_value_computed_before_an_invalidation_is_never_served_after_it(app: Flask) -> None:
    with app.app_context():

        def overtaken() -> str:
            cache.invalidate("products")
            return "old"

        assert cache.remember("key", overtaken, tags=("products",)) == "old"
        assert cache.remember("key", lambda: "new", tags=("products",)) == "new"


@pytest.mark.parametrize("change", ["delete", "set", "clear", "invalidate"])
def test_a_slow_computation_does_not_undo_a_later_change(app: Flask, change: str) -> None:
    changes: dict[str, Callable[[], object]] = {
        "delete": lambda: cache.delete("key"),
        "set": lambda: cache.set("key", "new"),
        "clear": lambda: cache.clear(),
        "invalidate": lambda: cache.invalidate("products"),
    }
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(LONG)
        return "old"

    def reader() -> object:
        with app.app_context():
            return cache.remember("key", slow, tags=("products",))

    with ThreadPoolExecutor(1) as pool, app.app_context():
        reading = pool.submit(reader)
        assert begun.wait(LONG)
        changes[change]()
        go_on.set()
        assert reading.result() == "old"
        assert cache.remember("key", lambda: "new", tags=("products",)) == "new"


def test_deleting_an_uncacheable_key_loses_no_other_entry(app: Flask) -> None:
    with app.app_context():
        for number in range(10):
            cache.set(f"other {number}", number)
        cache.remember("key", threading.Lock)  # which cannot be stored
        cache.delete("key")
        assert cache.get_many(*(f"other {number}" for number in range(10))) == [*range(10)]


def test_a_tag_that_another_process_just_made_can_be_used(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        add = breaker().add

        def late(name: str, value: bytes, timeout: int) -> bool:
            return add(name, b"another's", timeout) and add(name, value, timeout)

        monkeypatch.setattr(breaker(), "add", late)
        assert cache.set("key", "value")
        assert cache.get("key") == "value"
