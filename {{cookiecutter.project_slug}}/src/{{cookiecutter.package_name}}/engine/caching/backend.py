"""Flask-Caching's methods `get`, `set`, `add`, `delete` …, which read and write entries."""

import time
from typing import Any

from flask_caching.backends.base import BaseCache
from flask_caching.utils import normalize_timeout

from .entries import MONTH, Entries, Entry
from .flight import Flight


class Backend(BaseCache):
    """`cache.cache`, the Flask-Caching backend of a cache. It stores any Python value.

    No method returns a value from before an invalidation. No method raises because the store is
    down. After `delete` or `set`, no result of a computation that was running is served, unless
    it took longer than its lease. A timeout is seconds or a timedelta. None means the default; 0 or
    less means "without end".
    """

    def __init__(self, entries: Entries, default_timeout: int) -> None:
        super().__init__(default_timeout)
        self.entries = entries

    def get(self, key: str) -> Any:
        entry, _, _ = self.entries.read(key)
        return entry.value if entry and entry.ttl > 0 else None

    def get_many(self, *keys: str) -> list[Any]:
        entries = self.entries.read_all(keys)
        return [entry.value if entry and entry.ttl > 0 else None for entry in entries]

    def has(self, key: str) -> bool:
        entry, _, _ = self.entries.read(key)
        return entry is not None and entry.ttl > 0

    def set(self, key: str, value: Any, timeout: Any = None) -> bool:
        _, versions = self.entries.supersede(key)
        seconds = self.seconds(timeout)
        return self.entries.write(key, Entry(value, time.time() + seconds, versions), seconds)

    def add(self, key: str, value: Any, timeout: Any = None) -> bool:
        with Flight(self.entries, key) as flight:
            if flight.must_compute():
                flight.store(value, self.seconds(timeout))
        return flight.stored

    def delete(self, key: str) -> bool:
        return self.entries.delete(key)

    def delete_many(self, *keys: str) -> list[str]:
        return [key for key in keys if self.delete(key)]

    def clear(self) -> bool:
        return self.entries.clear()

    def seconds(self, timeout: Any) -> int:
        seconds = normalize_timeout(timeout)
        if seconds is None:
            seconds = self.default_timeout
        return seconds if seconds > 0 else MONTH
