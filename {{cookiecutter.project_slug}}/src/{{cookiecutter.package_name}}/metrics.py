"""Prometheus metrics: requests and their duration by endpoint, and the backends' operations."""

from flask import Flask, Response, abort, request
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def init_metrics(app: Flask) -> None:
    """Count requests, and serve /metrics. In production METRICS_PORT serves it, nothing else.

    The numbers are the sums of all workers (see `engine/server.py`, which serves METRICS_PORT).
    """
    settings = app.extensions["settings"]
    port = settings.metrics_port if settings.production else settings.port
    app.config["METRICS_PORT"] = port  # for commands that read /metrics
    registry = CollectorRegistry()
    exporter = PrometheusMetrics(
        app, path=None, group_by="endpoint", excluded_paths="/metrics$", registry=registry
    )
    for backend in app.extensions["backends"].values():
        if watch := getattr(backend, "watch", None):
            watch(app, registry)

    @app.before_request
    def ignore_invented_methods() -> None:
        if request.method not in METHODS:  # each would be a label that stays in memory
            request.prom_do_not_track = True  # type: ignore[attr-defined]

    @app.get("/metrics")
    def metrics() -> Response:
        if settings.production:
            abort(404)
        body, content_type = exporter.generate_metrics(request.headers.get("Accept"))
        return Response(body, content_type=content_type)
