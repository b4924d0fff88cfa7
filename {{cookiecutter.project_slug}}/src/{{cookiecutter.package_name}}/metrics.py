"""Prometheus metrics: requests and their duration by endpoint, and the backends' operations."""

from flask import Flask, Response, abort, request
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics
# {% if cookiecutter.cache_backend != "none" or cookiecutter.session_store != "cookie" %}

# {% endif %}
# {% if cookiecutter.cache_backend != "none" %}
from .caching import cache
# {% endif %}
# {% if cookiecutter.cache_backend == "simple" %}
from .engine.caching.in_process import held_by
# {% endif %}
# {% if cookiecutter.cache_backend != "none" %}
from .engine.caching.metrics import watch_cache
# {% endif %}
# {% if cookiecutter.session_store != "cookie" %}
from .engine.metrics import Operations, Watched
# {% elif cookiecutter.cache_backend != "none" %}
from .engine.metrics import Operations
# {% endif %}
# {% if cookiecutter.session_store != "cookie" %}
from .engine.sessions.interface import StoredSessions
# {% endif %}

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def init_metrics(app: Flask) -> None:
    """Count requests, and serve /metrics. In production METRICS_PORT serves it, nothing else.

    Under gunicorn the numbers are the sums of all workers (see gunicorn.conf.py).
    """
    settings = app.extensions["settings"]
    port = settings.metrics_port if settings.production else settings.port
    app.config["METRICS_PORT"] = port  # for commands that read /metrics
    registry = CollectorRegistry()
    exporter = PrometheusMetrics(
        app, path=None, group_by="endpoint", excluded_paths="/metrics$", registry=registry
    )
    # {% if cookiecutter.cache_backend != "none" or cookiecutter.session_store != "cookie" %}
    operations = Operations(registry)
    # {% endif %}
    # {% if cookiecutter.cache_backend != "none" %}
    watch_cache(app, cache, operations, registry)
    # {% endif %}
    # {% if cookiecutter.cache_backend == "simple" %}
    update_held = held_by(cache, registry)
    # {% endif %}
    # {% if cookiecutter.session_store != "cookie" %}
    sessions = app.session_interface
    if isinstance(sessions, StoredSessions):
        sessions.store = Watched("sessions", sessions.store, operations)
    # {% endif %}

    @app.before_request
    def ignore_invented_methods() -> None:
        if request.method not in METHODS:  # each would be a label that stays in memory
            request.prom_do_not_track = True  # type: ignore[attr-defined]

    @app.get("/metrics")
    def metrics() -> Response:
        # SERVER_PORT is the socket's port: no header of a request can change it.
        if settings.production and request.environ["SERVER_PORT"] != str(port):
            abort(404)
        # {% if cookiecutter.cache_backend == "simple" %}
        update_held()
        # {% endif %}
        body, content_type = exporter.generate_metrics(request.headers.get("Accept"))
        return Response(body, content_type=content_type)
