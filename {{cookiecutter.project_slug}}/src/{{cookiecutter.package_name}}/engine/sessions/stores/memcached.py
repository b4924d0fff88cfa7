"""Sessions in Memcached. A restart of the server ends them, and so may a lack of memory."""

import time
from collections.abc import Callable
from typing import Any

from pymemcache.exceptions import (
    MemcacheError,
    MemcacheServerError,
    MemcacheUnknownCommandError,
)

from ...clients import memcached as client
from .. import stores

SCHEMES = client.SCHEMES
check_url = client.connect  # which does not connect yet
LONGEST = 30 * 24 * 3600  # seconds; a larger number means a point in time to the server


class Loaded(bytes):
    """Data, with the token that shows the server whether it is still the same."""

    token: bytes


class Store(stores.Store):
    """`gets` and `cas` do the compare and set. Only a write starts the lifetime again."""

    errors = (MemcacheError, OSError)

    def __init__(self, url: str, lifetime: int) -> None:
        self._client = client.connect(url)
        self.spread = "," in url
        self._lifetime = lifetime  # seconds

    def load(self, key: str) -> Loaded | None:
        data, token = self._client.gets(key)
        if data is None:
            return None
        loaded = Loaded(data)
        loaded.token = token
        return loaded

    def create(self, key: str, data: bytes) -> None:
        self._write(self._client.set, key, data)

    def replace(self, key: str, old: bytes, new: bytes) -> bool:
        loaded = old if isinstance(old, Loaded) else self.load(key)
        return loaded == old and self._write(self._client.cas, key, new, loaded.token) is True

    def delete(self, key: str) -> None:
        self._client.delete(key)

    def used(self) -> float:
        try:
            settings, servers = self._client.stats("settings"), self._client.stats()
        except MemcacheUnknownCommandError:  # a proxy, for example
            return 0.0
        return max(
            int(server[b"bytes"]) / int(server[b"limit_maxbytes"])
            if settings[address][b"evictions"] == b"off"
            else 0.0
            for address, server in servers.items()
        )

    def _expiry(self) -> int:
        return self._lifetime if self._lifetime <= LONGEST else int(time.time()) + self._lifetime

    def _write(self, command: Callable[..., Any], key: str, data: bytes, *token: bytes) -> Any:
        try:
            return command(key, data, *token, self._expiry())
        except MemcacheServerError as error:
            if b"too large" not in error.args[0]:
                raise
            raise ValueError(
                f"A session of {len(data)} bytes is more than Memcached takes (1 MB, unless it was "
                "started with -I): keep large values elsewhere, and their ids in the session."
            ) from error
