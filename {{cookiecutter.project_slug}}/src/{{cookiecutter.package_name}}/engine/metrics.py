"""Prometheus metrics of the backends: how long their operations take, and how many fail."""

import functools
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Histogram

from .middleware import current

# The operations of caches and of session stores.
OPERATIONS = {"get_many", "set", "add", "delete_many", "load", "create", "replace", "delete"}
BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # seconds


class Watched:
    """A backend whose operations are measured during requests, but not in probes and commands.

    The metrics are `backend_seconds` and `backend_errors_total`, by backend and operation.
    """

    def __init__(self, name: str, backend: Any, app: Flask, registry: CollectorRegistry) -> None:
        self._name = name
        self._backend = backend
        if "operations" not in app.extensions:
            app.extensions["operations"] = _metrics(registry)
        self._metrics = app.extensions["operations"]
        self._tells = app.debug  # each request what it spent
        self._timed = functools.cache(self._time)

    def __getattr__(self, name: str) -> Any:
        if name not in OPERATIONS or not current.get():
            return getattr(self._backend, name)
        return self._timed(name)

    def _time(self, name: str) -> Callable[..., Any]:
        seconds, errors = (metric.labels(self._name, name) for metric in self._metrics)

        def timed(*args: Any) -> Any:
            begun = time.perf_counter()
            try:
                return getattr(self._backend, name)(*args)
            except Exception:
                errors.inc()
                raise
            finally:
                spent = time.perf_counter() - begun
                seconds.observe(spent)
                if self._tells and (visit := current.get()):
                    visit.spend(self._name, spent)

        return timed


def _metrics(registry: CollectorRegistry) -> tuple[Histogram, Counter]:
    labels = "backend", "operation"
    return (
        Histogram(
            "backend_seconds", "Duration of operations", labels, registry=registry, buckets=BUCKETS
        ),
        Counter("backend_errors", "Failed operations", labels, registry=registry),
    )
