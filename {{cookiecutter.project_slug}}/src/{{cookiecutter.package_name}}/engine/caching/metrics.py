"""Prometheus metrics of the cache: the outcomes of look-ups by endpoint, and whether it is down."""

from typing import Any

from flask import Flask, current_app, has_request_context, request
from prometheus_client import CollectorRegistry, Counter, Gauge

from ..metrics import Operations, Watched
from .cache import Cache
from .flight import cache_outcome


def watch_cache(
    app: Flask, cache: Cache, operations: Operations, registry: CollectorRegistry
) -> None:
    """Add `cache_outcomes_total`, `cache_down` and the cache's operations to the metrics."""
    app.extensions["cache_outcomes"] = Counter(
        "cache_outcomes",
        "Look-ups in the cache: hit, stale, miss, bypass or error",
        ("endpoint", "outcome"),
        registry=registry,
    )
    with app.app_context():
        breaker: Any = cache.backend.entries.breaker
        off = cache.off
    if off:
        return
    breaker.backend = Watched("cache", breaker.backend, operations)
    down = Gauge(
        "cache_down",
        "1 while a worker goes on without the cache",
        registry=registry,
        multiprocess_mode="max",
    )
    down.set(0)  # the worker before this one may have died while the cache was down
    breaker.on_change = down.set


@cache_outcome.connect
def count(_: object, outcome: str) -> None:
    counter = current_app.extensions.get("cache_outcomes")
    if counter and has_request_context():
        counter.labels(request.endpoint, outcome).inc()
