"""What Prometheus reads of the cache."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from ..hub import caching
from ..waiting import wait_until
from .conftest import MakeApp
from .support import cache, serve, store

pytestmark = pytest.mark.usefixtures("patient")

Sample = Callable[..., float | None]
READS = {"backend": "cache", "operation": "get_many"}


def measured(app: Flask) -> tuple[FlaskClient, Sample]:
    """A cached page at /page, and what Prometheus would read; None for what is not there."""
    registry = CollectorRegistry()
    cache.watch(app, registry)
    client, _ = serve(app, lambda: "page")
    return client, lambda name, **labels: registry.get_sample_value(name, labels)


def test_operations_of_requests_are_timed_and_those_of_probes_are_not(app: Flask) -> None:
    client, sample = measured(app)
    with app.app_context():
        assert cache.ping()
    assert sample("backend_seconds_count", **READS) is None

    client.get("/page")

    assert (sample("backend_seconds_count", **READS) or 0) > 0
    assert (sample("backend_seconds_sum", **READS) or 0) > 0
    assert sample("backend_errors_total", **READS) == 0


def test_outcomes_are_counted_by_endpoint(app: Flask) -> None:
    client, sample = measured(app)
    for _ in range(3):
        client.get("/page")
    client.post("/page")
    counted = {
        outcome: sample("cache_outcomes_total", endpoint="page", outcome=outcome)
        for outcome in ("miss", "hit", "bypass")
    }
    assert counted == {"miss": 1, "hit": 2, "bypass": 1}


def test_a_cache_is_down_until_it_is_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client, sample = measured(app)
    monkeypatch.setattr(f"{caching.__name__}.breaker.PROBE_INTERVAL", 0.01)
    assert sample("cache_down") == 0

    with app.app_context(), monkeypatch.context() as outage:
        backend: Any = store()
        outage.setattr(backend._backend, "get_many", None)  # a TypeError
        client.get("/page")
        client.get("/page")  # asks no more, and the probes do not count
        assert sample("cache_down") == 1
        assert sample("backend_errors_total", **READS) == 1

    wait_until(lambda: not sample("cache_down"))
    assert "fwd=miss; stored" in client.get("/page").headers["Cache-Status"]


def test_a_cache_that_is_off_is_not_measured(make_app: MakeApp) -> None:
    client, sample = measured(make_app(CACHE_URL="null://"))
    client.get("/page")

    assert sample("backend_seconds_count", **READS) is None
    assert sample("cache_down") is None
