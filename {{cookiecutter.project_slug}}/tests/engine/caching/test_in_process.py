"""A cache in the process of the service: its memory, its metrics, and its commands."""

from importlib import import_module
from typing import Any

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry

from ..hub import caching
from .support import Count, cache, serve

figures: Any = import_module(f"{caching.__name__}.figures")
memory: Any = import_module(f"{caching.__name__}.stores.memory")


def test_what_an_entry_takes_of_the_memory_is_counted_and_bounded() -> None:
    store = memory.Store(300, limit=10_000)
    for number in range(1000):
        store.set(str(number), b"1", 60)
    assert 10 < store.stats()["entries"] < 30
    assert store.stats()["memory"] <= 10_000


def test_metrics_tell_what_the_cache_holds(app: Flask) -> None:
    registry = CollectorRegistry()
    cache.watch(app, registry)
    app.add_url_rule("/metrics", "metrics", lambda: "")
    client, _ = serve(app, lambda: "page")
    client.get("/page")
    client.get("/metrics")
    assert (registry.get_sample_value("cache_held", {"what": "entries"}) or 0) > 0
    assert (registry.get_sample_value("cache_held", {"what": "memory"}) or 0) > 0


@pytest.mark.parametrize("command", [("clear",), ("invalidate", "products")])
def test_a_command_says_that_it_cannot_reach_the_cache(
    app: Flask, command: tuple[str, ...]
) -> None:
    app.cli.add_command(cache.commands[0])
    count = Count(lambda: "value")
    with app.app_context():
        cache.remember("key", count, tags=("products",))
    said = app.test_cli_runner().invoke(args=["cache", *command])
    assert said.exit_code == 1
    assert "restart" in said.output
    with app.app_context():
        cache.remember("key", count, tags=("products",))
    assert count.calls == 1


def test_stats_come_from_the_running_service(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.cli.add_command(cache.commands[0])
    counted = figures.Figures(held={"entries": 5, "memory": 12_345})
    counted.looks.update({("page", "hit"): 3, ("page", "miss"): 1})
    monkeypatch.setattr(figures, "read", lambda *_: counted)
    app.config["METRICS_PORT"] = 1
    said = app.test_cli_runner().invoke(args=["cache", "stats"]).output
    assert "75.0%" in said
    assert "5 entries, 12,345 bytes" in said
