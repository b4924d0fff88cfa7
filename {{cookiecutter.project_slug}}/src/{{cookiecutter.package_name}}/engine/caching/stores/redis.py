"""The cache in Redis or Valkey: alone, behind Sentinel or as a cluster, by CACHE_URL."""

import glob
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_caching.backends.base import BaseCache
from flask_caching.utils import normalize_timeout

from ...clients import redis as client

SCHEMES = client.SCHEMES


class Store(BaseCache):
    """Bytes under keys. An operation is one command; in a cluster, `get_many` is one per slot."""

    def __init__(self, url: str, prefix: str, default_timeout: int) -> None:
        super().__init__(default_timeout)
        self.client = client.connect(url)
        self.prefix = prefix

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> "Store":
        return cls(config["CACHE_URL"], config["CACHE_KEY_PREFIX"], kwargs["default_timeout"])

    def get_many(self, *keys: str) -> list[Any]:
        read = getattr(self.client, "mget_nonatomic", self.client.mget)
        return [*read(keys)]

    def set(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        return bool(self.client.set(key, value, ex=normalize_timeout(timeout) or None))

    def add(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        expiry = normalize_timeout(timeout) or None
        return bool(self.client.set(key, value, ex=expiry, nx=True))

    def delete_many(self, *keys: str) -> list[str]:
        self.client.delete(*keys)
        return list(keys)

    def stats(self) -> dict[str, int]:
        """Entries of this service, and the server's memory in bytes. Scans the keys."""
        ours = glob.escape(self.prefix) + "value:*"
        return {
            "entries": sum(1 for _ in self.client.scan_iter(ours, count=1000)),
            "memory": int(self.client.info("memory")["used_memory"]),
        }
