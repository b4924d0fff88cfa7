"""Prometheus metrics: requests and latency by endpoint, and what the cache did for each."""

import collections
import http.client

from flask import Flask, Response, abort, current_app, has_request_context, request
# {% if cookiecutter.cache_backend == "simple" %}
from prometheus_client import CollectorRegistry, Counter, Gauge
# {% else %}
from prometheus_client import CollectorRegistry, Counter
# {% endif %}
from prometheus_client.parser import text_string_to_metric_families
from prometheus_flask_exporter import PrometheusMetrics

# {% if cookiecutter.cache_backend != "none" or cookiecutter.session_store != "cookie" %}
from .backend_metrics import watch_backends
# {% endif %}
# {% if cookiecutter.cache_backend == "simple" %}
from .caching import cache, cache_outcome
# {% else %}
from .caching import cache_outcome
# {% endif %}
from .settings import Settings

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def init_metrics(app: Flask) -> None:
    """Count, and serve /metrics: in production on METRICS_PORT only, which nobody publishes.

    Under gunicorn the numbers are those of all workers together (see gunicorn.conf.py).
    """
    settings = app.extensions["settings"]
    registry = CollectorRegistry()
    exporter = PrometheusMetrics(
        app, path=None, group_by="endpoint", excluded_paths="/metrics$", registry=registry
    )
    app.extensions["cache_outcomes"] = Counter(
        "cache_outcomes",
        "Look-ups in the cache: hit, stale, miss, bypass or error",
        ("endpoint", "outcome"),
        registry=registry,
    )
    # {% if cookiecutter.cache_backend != "none" or cookiecutter.session_store != "cookie" %}
    watch_backends(app, registry)
    # {% endif %}
    # {% if cookiecutter.cache_backend == "simple" %}
    held = Gauge(
        "cache_held",
        "What the cache holds: entries, and memory in bytes",
        ("what",),
        registry=registry,
        multiprocess_mode="mostrecent",
    )
    # {% endif %}

    @app.before_request
    def ignore_invented_methods() -> None:
        if request.method not in METHODS:  # each would be a label, and stay in memory
            request.prom_do_not_track = True  # type: ignore[attr-defined]

    @app.get("/metrics")
    def metrics() -> Response:
        # The port is that of the socket, which no header of the request can change.
        if settings.production and request.environ["SERVER_PORT"] != str(settings.metrics_port):
            abort(404)
        # {% if cookiecutter.cache_backend == "simple" %}
        for what, amount in cache.stats().items():
            held.labels(what).set(amount)
        # {% endif %}
        body, content_type = exporter.generate_metrics(request.headers.get("Accept"))
        return Response(body, content_type=content_type)


def metrics_port(settings: Settings) -> int:
    return settings.metrics_port if settings.production else settings.port


def read_cache_metrics(port: int) -> collections.Counter[str]:
    """What the service on this machine says of its cache, by outcome. Raises OSError without it."""
    counts: collections.Counter[str] = collections.Counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name in ("cache_outcomes_total", "cache_held"):
                    name = sample.labels.get("outcome") or sample.labels["what"]
                    counts[name] += int(sample.value)
    except (http.client.HTTPException, ValueError) as error:
        raise OSError("something else listens there") from error
    finally:
        connection.close()
    return counts


@cache_outcome.connect
def count(_: object, outcome: str) -> None:
    if has_request_context():
        current_app.extensions["cache_outcomes"].labels(request.endpoint, outcome).inc()
