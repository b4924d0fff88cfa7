"""A circuit breaker: a cache that is down costs one short wait, then nothing until it is back."""

import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask_caching.backends.base import BaseCache

PROBE_INTERVAL = 1.0  # seconds
PROBES = 16  # keys: of several servers, one that is down holds some of them

logger = logging.getLogger(__name__)


class Breaker:
    """The four operations of `store`, none of which ever raises.

    After an error every operation is a miss, at once, and a thread asks the store once a second
    whether it takes writes and gives them back; then the breaker closes. What was to be deleted in
    the meantime is deleted before that, so that an invalidation outlives the outage.
    """

    def __init__(self, store: BaseCache, prefix: str) -> None:
        self.store = store
        self.prefix = prefix
        self.open = False
        self.on_change: Callable[[bool], object] = bool  # is told whether it is open
        self._owed: set[str] = set()
        self._lock = threading.Lock()

    def get_many(self, *keys: str) -> list[Any]:
        found: list[Any] = self._try([], self.store.get_many, *keys) if keys else []
        return found or [None] * len(keys)

    def set(self, key: str, value: bytes, timeout: int) -> bool:
        return bool(self._try(False, self.store.set, key, value, timeout))

    def add(self, key: str, value: bytes, timeout: int) -> bool:
        return bool(self._try(False, self.store.add, key, value, timeout))

    def delete_many(self, *keys: str) -> None:
        """When this returns the keys are gone, or will be before anything is read again."""
        while keys and self._try(self, self.store.delete_many, *keys) is self:
            with self._lock:
                if self.open:  # else it is back just now, and owes nothing any more
                    self._owed.update(keys)
                    return

    def ping(self) -> bool:
        """Whether the store takes writes and gives them back. Raises what the store raises."""
        token = secrets.token_bytes(8)
        probes = [f"{self.prefix}probe:{number}" for number in range(PROBES)]
        for probe in probes:
            self.store.set(probe, token, 60)
        return bool(self.store.get_many(*probes) == [token] * PROBES)

    def _try(self, otherwise: Any, operation: Callable[..., Any], *args: Any) -> Any:
        if self.open:
            return otherwise
        try:
            return operation(*args)
        except Exception as error:  # each client library has errors of its own
            self._trip(error)
            return otherwise

    def _trip(self, error: Exception) -> None:
        with self._lock:
            if self.open:
                return
            self.open = True
            self.on_change(True)
        logger.warning("The cache is down, going on without it: %s", type(error).__name__)
        threading.Thread(target=self._await_return, name="cache-probe", daemon=True).start()

    def _await_return(self) -> None:
        pause = threading.Event()
        while self.open:
            pause.wait(PROBE_INTERVAL)
            with suppress(Exception):  # still down
                with self._lock:
                    owed = tuple(self._owed)
                if self.ping():
                    if owed:
                        self.store.delete_many(*owed)
                    with self._lock:
                        self._owed.difference_update(owed)
                        self.open = bool(self._owed)
                        self.on_change(self.open)
        logger.warning("The cache is back.")
