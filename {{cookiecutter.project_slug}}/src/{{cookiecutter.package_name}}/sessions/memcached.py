"""Sessions in Memcached, by SESSION_URL. A restart, or a lack of memory, ends them."""

import time
from collections.abc import Callable
from typing import Any

from pymemcache.exceptions import MemcacheError, MemcacheServerError

from ..memcached_client import connect
from .interface import Store

LONGEST = 30 * 24 * 3600  # seconds; the protocol takes more for a point in time


class Loaded(bytes):
    """Data, and the token by which the server knows whether it is still the same."""

    token: bytes


class MemcachedStore(Store):
    errors = (MemcacheError, OSError)

    def __init__(self, url: str, lifetime: int) -> None:
        self._client = connect(url)
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

    def ping(self) -> None:
        self._client.stats()

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
                "started with -I): keep large things elsewhere, and their ids in the session."
            ) from error
