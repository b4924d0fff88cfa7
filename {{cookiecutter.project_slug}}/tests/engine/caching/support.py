"""The cache under test, views that count their calls, and a clock that can be set forward."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ..hub import caching

Cache = caching.Cache
Breaker = caching.breaker.Breaker
Entries = caching.entries.Entries
Flight = caching.flight.Flight
LEASE = f"{caching.__name__}.flight.LEASE"

cache = Cache()


class Count:
    """A view, or any function, that counts its calls."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer
        self.calls = 0

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls += 1
        return self.answer()


def serve(app: Flask, answer: Callable[[], Any], **options: Any) -> tuple[FlaskClient, Count]:
    """A cached page at /page."""
    count = Count(answer)
    view = cache.page(**{"timeout": 60, **options})(lambda: count())
    app.add_url_rule("/page", "page", view, methods=["GET", "POST"])
    return app.test_client(), count


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)


def entries() -> Entries:
    """What lies in the store of the current app."""
    return cache.backend.entries


def breaker() -> Breaker:
    return entries().breaker


def store() -> Any:
    return breaker().backend
