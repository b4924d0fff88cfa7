"""Caching values: Flask-Caching's methods, and `remember`."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar, cast

from flask_caching.utils import normalize_timeout

from .entries import MONTH, Entries, Entry
from .flight import Flight

T = TypeVar("T")
Timeout: TypeAlias = int | timedelta | None


class Values(Entries):
    """Flask-Caching's methods, and `remember` and `invalidate`, on any of its backends.

    One computation of a missing value at a time; never a value from before an invalidation, nor
    one that was being computed, within its lease, when `delete` or `set` came; entries signed with
    SECRET_KEY; no request that fails, or waits, because the store is down.
    Timeouts are seconds or a timedelta; None is CACHE_DEFAULT_TIMEOUT, 0 and less are for good.
    """

    def remember(
        self,
        key: str,
        compute: Callable[[], T],
        timeout: Timeout = None,
        *,
        stale: int = 0,
        tags: tuple[str, ...] = (),
    ) -> T:
        """The value of `key`, computed when there is none, by one caller at a time.

        For `stale` seconds after the timeout the old value is served while one caller computes
        the new one, and when that fails.
        """
        with Flight(self, key, tags, stale) as flight:
            if not flight.board():
                flight.land(compute(), self.seconds(timeout))
        return cast(T, flight.value)

    def get(self, key: str) -> Any:
        entry, _, _ = self.read(key)
        return entry.value if entry and entry.ttl > 0 else None

    def get_many(self, *keys: str) -> list[Any]:
        entries = self.read_all(keys)
        return [entry.value if entry and entry.ttl > 0 else None for entry in entries]

    def get_dict(self, *keys: str) -> dict[str, Any]:
        return dict(zip(keys, self.get_many(*keys), strict=True))

    def has(self, key: str) -> bool:
        entry, _, _ = self.read(key)
        return entry is not None and entry.ttl > 0

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        _, versions = self.void(key)
        seconds = self.seconds(timeout)
        return self.write(key, Entry(value, time.time() + seconds, versions), seconds)

    def set_many(self, mapping: dict[str, Any], timeout: Timeout = None) -> list[str]:
        return [key for key, value in mapping.items() if self.set(key, value, timeout)]

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        with Flight(self, key) as flight:
            if not flight.board():
                flight.land(value, self.seconds(timeout))
        return flight.stored

    def delete(self, key: str) -> bool:
        entry, _ = self.void(key)
        self.store.delete_many(self.name("value", key))
        return entry is not None

    def delete_many(self, *keys: str) -> list[str]:
        return [key for key in keys if self.delete(key)]

    def ping(self) -> bool:
        """Whether the store takes writes and gives them back. Raises what its client raises."""
        return self.off or self.store.ping()

    def stats(self) -> dict[str, int]:
        """What the store tells of itself: entries, and memory in bytes."""
        return dict(getattr(self.store.store, "stats", dict)())

    def seconds(self, timeout: Timeout) -> int:
        seconds = normalize_timeout(timeout)
        seconds = self.store.store.default_timeout if seconds is None else seconds
        return seconds if seconds > 0 else MONTH
