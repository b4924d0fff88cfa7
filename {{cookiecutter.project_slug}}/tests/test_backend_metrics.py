"""What Prometheus sees of the backends."""

# {% if cookiecutter.cache_backend != "none" %}
import time
# {% endif %}
from typing import Any

import pytest
# {% if cookiecutter.cache_backend != "none" %}
from flask import Flask
# {% endif %}
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
# {% if cookiecutter.cache_backend != "none" %}

from . import caching
from .conftest import MakeApp
# {% endif %}


def read(client: FlaskClient, name: str, **labels: str) -> float | None:
    """The value of a sample, None where there is none."""
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            if (sample.name, sample.labels) == (name, labels):
                return float(sample.value)
    return None
# {% if cookiecutter.cache_backend != "none" %}


def test_what_pages_ask_of_the_cache_is_timed_and_what_probes_ask_is_not(
    client: FlaskClient,
) -> None:
    asked = {"backend": "cache", "operation": "get_many"}
    client.get("/readyz")
    assert read(client, "backend_seconds_count", **asked) is None

    client.get("/tests/cached")

    assert (read(client, "backend_seconds_count", **asked) or 0) > 0
    assert (read(client, "backend_seconds_sum", **asked) or 0) > 0
    assert read(client, "backend_errors_total", **asked) == 0


def test_a_cache_is_down_until_it_is_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    monkeypatch.setattr(f"{caching.__name__}.breaker.PROBE_INTERVAL", 0.01)
    assert read(client, "cache_down") == 0

    with app.app_context(), monkeypatch.context() as outage:
        store: Any = caching.cache.store.store
        outage.setattr(store._backend, "get_many", None)  # a TypeError
        client.get("/tests/cached")
        client.get("/tests/cached")  # does not ask any more, and the probes do not count
        assert read(client, "cache_down") == 1
        assert read(client, "backend_errors_total", backend="cache", operation="get_many") == 1

    deadline = time.monotonic() + 5
    while read(client, "cache_down"):
        assert time.monotonic() < deadline
        time.sleep(0.02)  # and let the probe's thread work
    assert "fwd=miss; stored" in client.get("/tests/cached").headers["Cache-Status"]


def test_a_cache_that_is_off_is_not_measured(make_app: MakeApp) -> None:
    client = make_app(CACHE_URL="null://").test_client()
    client.get("/tests/cached")

    assert 'backend="cache"' not in client.get("/metrics").text
    assert read(client, "cache_down") is None
# {% endif %}
# {% if cookiecutter.session_store != "cookie" %}


def test_what_requests_ask_of_the_session_store_is_timed_and_what_fails_is_counted(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    interface: Any = client.application.session_interface
    client.get("/readyz")
    client.post("/tests/note", data={"note": "text"})
    client.get("/tests/note")

    for operation in ("create", "load"):
        asked = {"backend": "sessions", "operation": operation}
        assert read(client, "backend_seconds_count", **asked) == 1
        assert read(client, "backend_errors_total", **asked) == 0

    def fail(*_: object) -> None:
        raise interface.store.errors[0]("of a test")

    monkeypatch.setattr(interface.store._backend, "load", fail)
    client.get("/tests/note")
    assert read(client, "backend_errors_total", backend="sessions", operation="load") == 1
# {% endif %}
