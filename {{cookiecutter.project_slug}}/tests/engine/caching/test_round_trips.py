"""One round trip: a hit asks the store once, tags included."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from .support import Breaker, cache, serve

pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that the store was asked for."""
    operations: list[str] = []
    ask = Breaker._try

    def note(breaker: Breaker, otherwise: Any, operation: str, *arguments: Any) -> Any:
        if arguments:  # else the store is not asked
            operations.append(operation)
        return ask(breaker, otherwise, operation, *arguments)

    monkeypatch.setattr(Breaker, "_try", note)
    return operations


def test_a_hit_is_one_round_trip(app: Flask, asked: list[str]) -> None:
    client, _ = serve(app, lambda: "page", tags=("products", "others"))
    memoized = cache.memoize(60, tags=("products",))(lambda number: number)
    ways: list[Callable[[], object]] = [
        lambda: client.get("/page"),
        lambda: cache.remember("value", lambda: 1, 60, tags=("products", "others")),
        lambda: memoized(1),
        lambda: cache.get("set"),
        lambda: cache.has("set"),
    ]
    with app.app_context():
        cache.set("set", 1)
        for hit in ways:
            hit()
            asked.clear()
            hit()
            assert asked == ["get_many"]


def test_many_keys_are_two_round_trips(app: Flask, asked: list[str]) -> None:
    keys = [f"key {number}" for number in range(20)]
    with app.app_context():
        cache.set_many(dict.fromkeys(keys, "value"))
        asked.clear()
        assert cache.get_many(*keys) == ["value"] * 20
    assert asked == ["get_many", "get_many"]
