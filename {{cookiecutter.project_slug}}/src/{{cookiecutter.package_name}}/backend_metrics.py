"""Prometheus metrics of the backends: how long they take for requests, and what fails."""

from typing import Any

import prometheus_client as prometheus
from flask import Flask, has_request_context

from .caching import cache

# Of caches, and of session stores.
OPERATIONS = {"get_many", "set", "add", "delete_many", "load", "create", "replace", "delete"}
BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # seconds


def watch_backends(app: Flask, registry: prometheus.CollectorRegistry) -> None:
    labels = "backend", "operation"
    seconds = prometheus.Histogram(
        "backend_seconds", "How long they take", labels, registry=registry, buckets=BUCKETS
    )
    errors = prometheus.Counter("backend_errors", "Those that fail", labels, registry=registry)
    interface: Any = app.session_interface
    if hasattr(interface, "store"):
        interface.store = Watched("sessions", interface.store, seconds, errors)
    with app.app_context():
        breaker: Any = None if cache.off else cache.store
    if breaker:
        breaker.store = Watched("cache", breaker.store, seconds, errors)
        down = prometheus.Gauge(
            "cache_down",
            "1 while a worker goes on without the cache",
            registry=registry,
            multiprocess_mode="max",
        )
        down.set(0)  # whatever the worker before this one died with
        breaker.on_change = down.set


class Watched:
    """A backend as it is, but that what requests ask of it is timed. What probes do is not."""

    def __init__(
        self, name: str, backend: Any, seconds: prometheus.Histogram, errors: prometheus.Counter
    ) -> None:
        self._name = name
        self._backend = backend
        self._seconds = seconds
        self._errors = errors

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        if name not in OPERATIONS or not has_request_context():
            return found

        def timed(*args: Any) -> Any:
            errors = self._errors.labels(self._name, name)
            with self._seconds.labels(self._name, name).time(), errors.count_exceptions():
                return found(*args)

        return timed
