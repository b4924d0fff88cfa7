"""Probes: /livez for the supervisor, /readyz for the load balancer."""

import logging
import threading
import time
from collections.abc import Callable

from flask import Flask, Response, jsonify
# {% if cookiecutter.cache_backend != "none" or cookiecutter.database != "none" %}

# {% endif %}
# {% if cookiecutter.cache_backend != "none" %}
from .caching import cache
# {% endif %}
# {% if cookiecutter.database != "none" %}
from .database import ping as ping_database
# {% endif %}

PATIENCE = 0.5  # seconds that a probe waits for all backends together
DISPENSABLE = {"cache"}  # without the cache the service is slower, but it works

logger = logging.getLogger(__name__)


def init_health(app: Flask) -> None:
    pings: dict[str, Callable[[], object]] = {}
    # {% if cookiecutter.cache_backend != "none" %}
    if not app.extensions["settings"].cache_url.get_secret_value().startswith("null:"):
        pings["cache"] = cache.ping
    # {% endif %}
    if store := getattr(app.session_interface, "store", None):
        pings["sessions"] = store.ping
    # {% if cookiecutter.database != "none" %}
    pings["database"] = ping_database
    # {% endif %}
    checks = {name: Check(app, name, ping) for name, ping in pings.items()}

    @app.get("/livez")
    def livez() -> Response:
        """200 while the process can answer."""
        return _never_kept(jsonify(status="ok"))

    @app.get("/readyz")
    def readyz() -> Response:
        """200 while the service works ("ok", or "degraded" without its cache), otherwise 503."""
        deadline = time.monotonic() + PATIENCE
        for check in checks.values():
            check.begin()
        seen = {name: check.result(deadline) for name, check in checks.items()}
        down = {name for name, result in seen.items() if result["status"] != "ok"}
        status = "unavailable" if down - DISPENSABLE else "degraded" if down else "ok"
        response = _never_kept(jsonify(status=status, checks=seen))
        response.status_code = 503 if status == "unavailable" else 200
        return response


class Check:
    """Asks one backend whether it answers. No caller waits for it beyond a deadline.

    Each backend is asked in its own thread, and not again before it has answered. So a backend
    that hangs costs the service one thread, whatever its client's timeouts are. The log has one
    line when a backend stops answering, and one when it answers again.
    """

    def __init__(self, app: Flask, name: str, ping: Callable[[], object]) -> None:
        self._app = app
        self._name = name
        self._ping = ping
        self._lock = threading.Lock()
        self._thread = threading.Thread()
        self._failure = ""
        self._failing = False  # as the log last said
        self._seconds = 0.0

    def begin(self) -> None:
        with self._lock:
            if not self._thread.is_alive():
                self._thread = threading.Thread(target=self._ask, daemon=True)
                self._thread.start()

    def result(self, deadline: float) -> dict[str, object]:
        """`status` (ok or unavailable) and `milliseconds`. `deadline` is a time.monotonic()."""
        self._thread.join(max(0, deadline - time.monotonic()))
        pending = self._thread.is_alive()
        failure = "no answer in time" if pending else self._failure
        with self._lock:
            changed, self._failing = self._failing != bool(failure), bool(failure)
        if changed and failure:
            logger.warning("A backend does not answer: %s, %s", self._name, failure)
        elif changed:
            logger.warning("A backend answers again: %s", self._name)
        return {
            "status": "unavailable" if failure else "ok",
            "milliseconds": round(1000 * (PATIENCE if pending else self._seconds), 1),
        }

    def _ask(self) -> None:
        started = time.monotonic()
        try:
            with self._app.app_context():
                self._failure = "" if self._ping() is not False else "a wrong answer"
        except Exception as error:  # each client library raises its own errors
            self._failure = type(error).__name__
        self._seconds = time.monotonic() - started


def _never_kept(response: Response) -> Response:
    response.cache_control.no_store = True
    return response
