"""The cache in the process: for one worker with threads."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_caching.backends.base import BaseCache
from flask_caching.utils import normalize_timeout

SCHEMES = ("memory",)
OVERHEAD = 350  # bytes that an item takes in addition to its key and its value


class Store(BaseCache):
    """Bytes under keys, in `limit` bytes of memory: it drops the least recently used first."""

    in_process = True

    def __init__(self, default_timeout: int, limit: int = 64 * 1024 * 1024) -> None:
        super().__init__(default_timeout)
        self.limit = limit
        self.size = 0
        # Called with the entries and their bytes.
        self.on_change: Callable[[int, int], None] = lambda entries, size: None
        self._items: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> "Store":
        return cls(kwargs["default_timeout"])

    def get_many(self, *keys: str) -> list[Any]:
        with self._lock:
            return [self._get(key) for key in keys]

    def set(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        with self._lock:
            return self._set(key, value, timeout)

    def add(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        with self._lock:
            return self._get(key) is None and self._set(key, value, timeout)

    def delete_many(self, *keys: str) -> list[str]:
        with self._lock:
            return [key for key in keys if self._drop(key)]

    def stats(self) -> dict[str, int]:
        """Entries and their bytes in this process."""
        with self._lock:
            return {"entries": len(self._items), "memory": self.size}

    def _get(self, key: str) -> bytes | None:
        value, expiry = self._items.get(key, (None, float("inf")))
        if expiry <= time.monotonic():
            self._drop(key)
            return None
        if value is not None:
            self._items.move_to_end(key)
        return value

    def _set(self, key: str, value: bytes, timeout: int | timedelta | None) -> bool:
        self._drop(key)
        size = weight(key, value)
        if size > self.limit:
            return False
        seconds = normalize_timeout(timeout) or 0
        self._items[key] = value, time.monotonic() + seconds if seconds else float("inf")
        self.size += size
        while self.size > self.limit:
            self._drop(next(iter(self._items)))
        self.on_change(len(self._items), self.size)
        return True

    def _drop(self, key: str) -> bool:
        item = self._items.pop(key, None)
        if item is None:
            return False
        self.size -= weight(key, item[0])
        self.on_change(len(self._items), self.size)
        return True


def weight(key: str, value: bytes) -> int:
    """Bytes of memory that an item takes."""
    return OVERHEAD + len(key) + len(value)
