"""A circuit breaker: a cache that is down costs one short wait, then no time until it is back."""

import logging
import math
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask_caching.backends.base import BaseCache

PROBE_INTERVAL = 1.0  # seconds
LARGE = 50_000  # bytes, which may take longer on their way than the client waits
PROBES = 16  # keys: if one of several servers is down, some of these keys are on it
FAILED = object()

logger = logging.getLogger(__name__)


class Breaker:
    """Operations on a backend, none of which raises, apart from `ping`.

    After an error the breaker is open: every operation is a miss and takes no time. Once a second
    a thread writes a value to the backend and reads it back. If that works, the breaker closes.
    Keys that could not be deleted meanwhile are deleted first, so no invalidation is lost, unless
    the process ends before.
    """

    def __init__(self, backend: BaseCache, prefix: str) -> None:
        self.backend = backend
        self.prefix = prefix
        self.open = False
        self.on_change: Callable[[bool], object] = lambda _: None  # called with `open`
        self._undeleted: dict[str, float] = {}  # and until when: in seconds of time.monotonic()
        self._lock = threading.Lock()
        self._probing = threading.Lock()
        self._name = secrets.token_hex(8)  # of the keys of its probes, which are nobody else's

    def get_many(self, *keys: str) -> list[Any]:
        return list(self._try([None] * len(keys), "get_many", *keys))

    def set(self, key: str, value: bytes, timeout: int) -> bool:
        if len(value) < LARGE:
            return bool(self._try(False, "set", key, value, timeout))
        try:
            return not self.open and bool(self.backend.set(key, value, timeout))
        except Exception as error:  # no reason to go on without the cache: it may be the size
            logger.warning("%d bytes are not cached: %s", len(value), type(error).__name__)
            return False

    def add(self, key: str, value: bytes, timeout: int) -> bool:
        return bool(self._try(False, "add", key, value, timeout))

    def delete_many(self, *keys: str, until: float = math.inf) -> None:
        """Delete the keys now or, if the backend is down, before anything is read from it again.

        After `until`, in seconds of time.monotonic(), a key is another's and is not deleted.
        """
        while keys and self._try(FAILED, "delete_many", *keys) is FAILED:
            with self._lock:
                if self.open:  # otherwise the probe closed the breaker meanwhile: try again
                    self._undeleted.update(dict.fromkeys(keys, until))
                    return

    def origin(self, key: str) -> bytes:
        """Tells the server process that holds the key from others, if the backend can tell."""
        find: Any = getattr(self.backend, "origin", None)
        try:
            return find(key) if find else b""
        except Exception:  # a cluster may not know at the moment
            return b""

    def ping(self) -> bool:
        """Whether the backend stores values and returns them. Raises the errors of its client."""
        token, name = secrets.token_bytes(8), f"{self._name}:{os.getpid()}"
        probes = {f"{self.prefix}probe:{name}:{number}": token for number in range(PROBES)}
        with self._probing:
            self.backend.set_many(probes, 60)
            return self.backend.get_many(*probes) == [token] * PROBES

    def _try(self, otherwise: Any, operation: str, *arguments: Any) -> Any:
        """The backend's answer, or `otherwise` if it fails, is down, or there are no arguments."""
        if self.open or not arguments:
            return otherwise
        try:
            return getattr(self.backend, operation)(*arguments)
        except Exception as error:  # each client library raises its own errors
            with self._lock:
                first, self.open = not self.open, True
            if first:
                self.on_change(True)
                logger.warning("The cache is down, going on without it: %s", type(error).__name__)
                probe = threading.Thread(target=self._await_return, name="cache-probe", daemon=True)
                probe.start()
            return otherwise

    def _await_return(self) -> None:
        while self.open:
            time.sleep(PROBE_INTERVAL)
            with suppress(Exception):  # it is still down
                if self.ping():
                    self._close()
        logger.warning("The cache is back.")

    def _close(self) -> None:
        """Delete the keys that could not be deleted. Then close, unless there are new ones."""
        with self._lock:
            undeleted = self._undeleted.copy()
        if keys := [key for key, until in undeleted.items() if time.monotonic() < until]:
            self.backend.delete_many(*keys)
        with self._lock:
            self._undeleted = dict(self._undeleted.items() - undeleted.items())
            self.open = bool(self._undeleted)
            self.on_change(self.open)
