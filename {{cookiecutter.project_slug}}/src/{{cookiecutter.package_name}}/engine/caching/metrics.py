"""Prometheus metrics of the cache: the outcomes of look-ups by endpoint, and whether it is down."""

from __future__ import annotations  # some names are there for type checkers only

import functools
from typing import TYPE_CHECKING, Any

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Gauge

from ..metrics import Watched
from ..middleware import current

if TYPE_CHECKING:
    from .cache import Cache


def watch(cache: Cache, app: Flask, registry: CollectorRegistry) -> None:
    """Add `cache_outcomes_total`, `cache_down` and the cache's operations to the metrics.

    For a store in the process also `cache_held`, since nothing outside can see its size.
    """
    counter = Counter(
        "cache_outcomes",
        "Look-ups in the cache: hit, stale, miss, bypass or error",
        ("endpoint", "outcome"),
        registry=registry,
    )
    app.extensions["cache_outcomes"] = functools.cache(counter.labels)
    with app.app_context():
        breaker: Any = cache.backend.entries.breaker
        off, in_process = cache.off, cache.in_process
    if off:
        return
    store = breaker.backend
    breaker.backend = Watched("cache", breaker.backend, app, registry)
    down = Gauge(
        "cache_down",
        "1 while a worker goes on without the cache",
        registry=registry,
        multiprocess_mode="max",
    )
    down.set(0)  # the worker before this one may have died while the cache was down
    breaker.on_change = down.set
    if in_process:
        _watch_size(store, registry)


def _watch_size(store: Any, registry: CollectorRegistry) -> None:
    held = Gauge(
        "cache_held",
        "Size of the cache: entries, and memory in bytes",
        ("what",),
        registry=registry,
        multiprocess_mode="mostrecent",
    )

    entries, memory = held.labels("entries"), held.labels("memory")

    def update(count: int, size: int) -> None:
        entries.set(count)
        memory.set(size)

    store.on_change = update


def count(app: Flask, endpoint: str | None, outcome: str) -> None:
    """Count a look-up of a request, and tell its line in the log."""
    if labelled := app.extensions.get("cache_outcomes"):
        labelled(endpoint, outcome).inc()
    if visit := current.get():
        visit.noted["cache"] = outcome  # the last one is the page's
