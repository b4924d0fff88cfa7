"""Prometheus metrics of the cache: the outcomes of look-ups by endpoint, and whether it is down."""

from __future__ import annotations  # some names are there for type checkers only

import functools
from typing import TYPE_CHECKING, Any

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Gauge, Summary

from ..metrics import Watched
from ..middleware import Middleware, Visit, current

if TYPE_CHECKING:
    from .cache import Cache


def watch(cache: Cache, app: Flask, registry: CollectorRegistry) -> None:
    """Add the cache's metrics: look-ups, requests, operations, and whether it is down.

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
    _name(breaker.prefix, registry)
    if off:
        return
    _watch_requests(app, registry)
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


def _watch_requests(app: Flask, registry: CollectorRegistry) -> None:
    seconds = Summary(
        "cache_request_seconds",
        "Duration of requests, by what the cache did for them",
        ("endpoint", "outcome"),
        registry=registry,
    )
    labelled = functools.cache(seconds.labels)

    def observe(visit: Visit) -> None:
        if outcome := visit.noted.get("cache"):
            labelled(visit.endpoint, outcome).observe(visit.seconds)

    Middleware.of(app).watchers.append(observe)


def _name(prefix: str, registry: CollectorRegistry) -> None:
    """Tell this service's metrics from those of another one."""
    whose = Gauge(
        "cache_prefix",
        "1, for the prefix of the cache's keys",
        ("prefix",),
        registry=registry,
        multiprocess_mode="max",
    )
    whose.labels(prefix).set(1)


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
