"""Prometheus metrics: requests and their duration by endpoint, and the backends' operations."""

import functools
import os

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from .engine.middleware import Middleware, Visit

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def init_metrics(app: Flask) -> None:
    """Count requests, and serve /metrics. In production METRICS_PORT serves it, nothing else.

    The numbers are the sums of all workers (see `engine/server.py`, which serves METRICS_PORT).
    """
    settings = app.extensions["settings"]
    port = settings.metrics_port if settings.production else settings.port
    app.config["METRICS_PORT"] = port  # for commands that read /metrics
    registry = CollectorRegistry()
    seconds = Histogram(
        "flask_http_request_duration_seconds",
        "Duration of requests, until the answer begins",
        ("endpoint", "method", "status"),
        registry=registry,
    )
    labelled = functools.cache(seconds.labels)

    def count(visit: Visit) -> None:
        method = visit.environ["REQUEST_METHOD"]
        if method in METHODS and visit.endpoint != "metrics":  # an invented method is no label
            labelled(visit.endpoint, method, visit.status).observe(visit.seconds)

    Middleware.of(app).watchers.append(count)
    for backend in app.extensions["backends"].values():
        if watch := getattr(backend, "watch", None):
            watch(app, registry)

    if not settings.production:
        app.add_url_rule("/metrics", "metrics", lambda: show(registry))


def show(registry: CollectorRegistry) -> Response:
    """The metrics of all workers, or of this process."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)
