"""A circuit breaker: a cache that is down costs one short wait, then nothing until it is back."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask_caching.backends.base import BaseCache

PROBE_INTERVAL = 1.0  # seconds
FAILED = object()
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
        return list(self._try([None] * len(keys), "get_many", *keys))

    def set(self, key: str, value: bytes, timeout: int) -> bool:
        return bool(self._try(False, "set", key, value, timeout))

    def add(self, key: str, value: bytes, timeout: int) -> bool:
        return bool(self._try(False, "add", key, value, timeout))

    def delete_many(self, *keys: str) -> None:
        """When this returns the keys are gone, or will be before anything is read again."""
        while keys and self._try(FAILED, "delete_many", *keys) is FAILED:
            with self._lock:
                if self.open:  # else it is back just now, and owes nothing any more
                    self._owed.update(keys)
                    return

    def ping(self) -> bool:
        """Whether the store takes writes and gives them back. Raises what the store raises."""
        token = secrets.token_bytes(8)
        probes = {f"{self.prefix}probe:{number}": token for number in range(PROBES)}
        self.store.set_many(probes, 60)
        return self.store.get_many(*probes) == [token] * PROBES

    def _try(self, otherwise: Any, operation: str, *arguments: Any) -> Any:
        """What the store answers; `otherwise` when it is down, or not asked for anything."""
        if self.open or not arguments:
            return otherwise
        try:
            return getattr(self.store, operation)(*arguments)
        except Exception as error:  # each client library has errors of its own
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
            with self._lock:
                owed = [*self._owed]
            with suppress(Exception):  # still down
                if self.ping():
                    if owed:
                        self.store.delete_many(*owed)
                    with self._lock:
                        self._owed.difference_update(owed)
                        self.open = bool(self._owed)
                        self.on_change(self.open)
        logger.warning("The cache is back.")
