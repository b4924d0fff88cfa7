"""The cache in Memcached: one server or several, by CACHE_URL."""

import logging
import time
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_caching.backends.base import BaseCache
from flask_caching.utils import normalize_timeout
from pymemcache.exceptions import MemcacheServerError

from ...clients import memcached as client

SCHEMES = client.SCHEMES
check_url = client.connect  # which does not connect yet

LONGEST = 30 * 24 * 3600  # seconds; a larger number means a point in time to the server

logger = logging.getLogger(__name__)


class Store(BaseCache):
    """Bytes under keys. The log says if the server refuses a value (by default, over 1 MB)."""

    def __init__(self, url: str, default_timeout: int) -> None:
        super().__init__(default_timeout)
        self.client: Any = client.connect(url)

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> "Store":
        return cls(config["CACHE_URL"], kwargs["default_timeout"])

    def get_many(self, *keys: str) -> list[Any]:
        found = self.client.get_many(keys)
        return [found.get(key) for key in keys]

    def set(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        try:
            return bool(self.client.set(key, value, expire=self._expiry(timeout)))
        except MemcacheServerError as error:  # mostly: too large; the old value is gone
            logger.warning("%d bytes are not cached: %s", len(value), error)
            return False

    def add(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        return bool(self.client.add(key, value, expire=self._expiry(timeout)))

    def delete_many(self, *keys: str) -> list[str]:
        for key in keys:  # the library takes any wrong answer to `delete` for "not found"
            self.client.set(key, b"", expire=-1)
        return list(keys)

    def stats(self) -> dict[str, int]:
        """Entries, and memory in bytes, of the servers: those of other services count, too."""
        servers = self.client.stats().values()
        return {
            "entries": sum(int(server[b"curr_items"]) for server in servers),
            "memory": sum(int(server[b"bytes"]) for server in servers),
        }

    def _expiry(self, timeout: int | timedelta | None) -> int:
        seconds = normalize_timeout(timeout) or 0
        return seconds if seconds <= LONGEST else int(time.time()) + seconds
