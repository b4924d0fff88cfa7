"""Prometheus metrics of the backends: how long their operations take, and how many fail."""

from typing import Any

from flask import Flask, has_request_context
from prometheus_client import CollectorRegistry, Counter, Histogram

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
        self._seconds, self._errors = app.extensions["operations"]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        if name not in OPERATIONS or not has_request_context():
            return found

        def timed(*args: Any) -> Any:
            seconds = self._seconds.labels(self._name, name)
            errors = self._errors.labels(self._name, name)
            with seconds.time(), errors.count_exceptions():
                return found(*args)

        return timed


def _metrics(registry: CollectorRegistry) -> tuple[Histogram, Counter]:
    labels = "backend", "operation"
    return (
        Histogram(
            "backend_seconds", "Duration of operations", labels, registry=registry, buckets=BUCKETS
        ),
        Counter("backend_errors", "Failed operations", labels, registry=registry),
    )
