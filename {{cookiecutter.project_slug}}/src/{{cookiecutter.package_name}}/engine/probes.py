"""Asks backends whether they answer, without waiting for those that hang."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask

DEADLINE = 0.5  # seconds in which a probe answers, whatever the backends do

logger = logging.getLogger(__name__)


class Probes:
    """The backends that can be asked: those with a `ping`, except a cache that is `off`."""

    def __init__(self, app: Flask, backends: Mapping[str, Any]) -> None:
        with app.app_context():
            self._checks = {
                name: Check(app, name, backend.ping)
                for name, backend in backends.items()
                if hasattr(backend, "ping") and not getattr(backend, "off", False)
            }

    def ask(self) -> dict[str, dict[str, object]]:
        """Within DEADLINE, by backend: `status` (ok or unavailable) and `milliseconds`."""
        deadline = time.monotonic() + DEADLINE
        for check in self._checks.values():
            check.begin()
        return {name: check.result(deadline) for name, check in self._checks.items()}


class Check:
    """Asks one backend. No caller waits for it beyond a deadline.

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
            "milliseconds": round(1000 * (DEADLINE if pending else self._seconds), 1),
        }

    def _ask(self) -> None:
        started = time.monotonic()
        try:
            with self._app.app_context():
                self._failure = "" if self._ping() is not False else "a wrong answer"
        except Exception as error:  # each client library raises its own errors
            self._failure = type(error).__name__
        self._seconds = time.monotonic() - started
