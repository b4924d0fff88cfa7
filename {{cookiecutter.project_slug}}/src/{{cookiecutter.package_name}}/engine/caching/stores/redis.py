"""The cache in Redis or Valkey: alone, behind Sentinel or as a cluster, by CACHE_URL."""

import glob
import re
from contextlib import suppress
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_caching.backends.base import BaseCache
from flask_caching.utils import normalize_timeout
from redis.exceptions import ResponseError

from ...clients import redis as client

SCHEMES = client.SCHEMES
check_url = client.connect  # which does not connect yet


class Store(BaseCache):
    """Bytes under keys. An operation is one command; in a cluster, `get_many` is one per slot."""

    def __init__(self, url: str, prefix: str, default_timeout: int) -> None:
        super().__init__(default_timeout)
        self.client = client.connect(url, self._greet)
        self.prefix = prefix
        self._origins: dict[Any, bytes] = {}  # by address, in a cluster; of the newest connection

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> "Store":
        return cls(config["CACHE_URL"], config["CACHE_KEY_PREFIX"], kwargs["default_timeout"])

    def origin(self, key: str) -> bytes:
        """Tells the process that serves the key from all others, as of the newest connection to it.

        A server that restarted may hold an older snapshot. One that took over may have missed the
        last writes.
        """
        return self._origins.get(self._node(key), b"")

    def _node(self, key: str) -> Any:
        if not isinstance(self.client, client.Cluster):
            return None
        node = self.client.get_node_from_key(key)
        return node.host, node.port

    def _greet(self, connection: Any) -> None:
        connection.send_command("INFO", "server")
        with suppress(ResponseError):  # a proxy may not know it, or a user may not be allowed to
            found = re.search(rb"run_id:(\w+)", connection.read_response())
            origin = found[1][:8] if found else b""
            clustered = isinstance(self.client, client.Cluster)
            node = (connection.host, connection.port) if clustered else None
            before, self._origins[node] = self._origins.get(node, origin), origin
            if before != origin and not clustered:  # idle connections may lead to the old server
                self.client.connection_pool.disconnect(inuse_connections=False)

    def get_many(self, *keys: str) -> list[Any]:
        if isinstance(self.client, client.Cluster):
            return [*self.client.mget_nonatomic(keys)]
        return [*client.ask(self.client, "MGET", *keys)]

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
