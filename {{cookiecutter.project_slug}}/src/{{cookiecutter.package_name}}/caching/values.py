"""Caching values: Flask-Caching, with single flight, tags, stale values and signed entries."""

import hashlib
import logging
import secrets
import time
import zlib
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar, cast

import flask_caching
from flask import Flask, current_app
from flask_caching.backends.nullcache import NullCache
from flask_caching.utils import normalize_timeout
from itsdangerous import Serializer

from .breaker import Breaker
from .entry import Entry, sealer
from .flight import Flight

T = TypeVar("T")
Timeout: TypeAlias = int | timedelta | None
Versions: TypeAlias = dict[str, bytes | None]

SHELVES = 64  # every key is on one of them, by its hash; each has a version, as tags have
MONTH = 30 * 24 * 3600  # seconds: so long a version lasts, and what is kept for good

logger = logging.getLogger(__name__)


class Values(flask_caching.Cache):
    """Flask-Caching's methods, and `remember` and `invalidate`, on any of its backends.

    One computation of a missing value at a time; never a value from before an invalidation, nor
    one that was being computed when `delete` or `set` came; entries signed with SECRET_KEY; no
    request that fails, or waits, because the store is down.
    Timeouts are seconds or a timedelta; None is CACHE_DEFAULT_TIMEOUT, 0 and less are for good.
    """

    def init_app(self, app: Flask, config: dict[str, Any] | None = None) -> None:
        """Bind to a Flask-Caching backend: the class CACHE_TYPE at CACHE_URL, `null://` for none.

        Raises ValueError when another cache of the app has the same CACHE_KEY_PREFIX.
        """
        config = {**app.config, **(self.config or {}), **(config or {})}
        if config.get("CACHE_URL", "").startswith("null:"):
            config["CACHE_TYPE"] = "NullCache"
        config["CACHE_NO_NULL_WARNING"] = True
        prefix = config["CACHE_KEY_PREFIX"]
        if any(other.prefix == prefix for other in app.extensions.get("cache", {}).values()):
            raise ValueError(f"CACHE_KEY_PREFIX {prefix!r} is another cache's, give each its own.")
        super().init_app(app, config)
        app.extensions["cache"][self] = Breaker(app.extensions["cache"][self], prefix)

    @property
    def store(self) -> Breaker:
        return cast(Breaker, self.cache)

    @property
    def off(self) -> bool:
        return isinstance(self.store.store, NullCache)

    def remember(
        self,
        key: str,
        compute: Callable[[], T],
        timeout: Timeout = None,
        *,
        stale: int = 0,
        tags: Collection[str] = (),
    ) -> T:
        """The value of `key`, computed when there is none, by one caller at a time.

        For `stale` seconds after the timeout the old value is served while one caller computes
        the new one, and when that fails.
        """
        with Flight(self, key, tags, stale) as flight:
            if not flight.board():
                flight.land(compute(), self.seconds(timeout))
        return cast(T, flight.value)

    def invalidate(self, *tags: str) -> None:
        """Make whatever has one of these tags unreachable, at once and for every process.

        Once this returned, nobody gets a value that was computed, or begun, before it.
        """
        self.store.delete_many(*self._tag_names(tags))

    def clear(self) -> bool:
        """Invalidate the entries of this cache, and of no other, however many there are."""
        self.invalidate(*map(_shelf, range(SHELVES)))
        return not self.store.open

    def get(self, key: str) -> Any:
        entry, _, _ = self.read(key)
        return entry.value if entry and entry.ttl > 0 else None

    def get_many(self, *keys: str) -> list[Any]:
        return [self.get(key) for key in keys]

    def get_dict(self, *keys: str) -> dict[str, Any]:
        return {key: self.get(key) for key in keys}

    def has(self, key: str) -> bool:
        entry, _, _ = self.read(key)
        return entry is not None and entry.ttl > 0

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        self.void(key)
        _, versions, _ = self.read(key)
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
        found = self.void(key)
        self.store.delete_many(self.name("value", key))
        return found

    def delete_many(self, *keys: str) -> list[str]:
        return [key for key in keys if self.delete(key)]

    def void(self, key: str) -> bool:
        """See to it that nobody stores what they compute for the key now. Whether it has a value."""
        entry, _, holder = self.read(key)
        if holder or self.store.open:  # then who knows what is being computed
            self.invalidate(_shelf_of(key))
        return entry is not None

    def ping(self) -> bool:
        """Whether the store takes writes and gives them back. Raises what its client raises."""
        return self.off or self.store.ping()

    def stats(self) -> dict[str, int]:
        """What the store tells of itself: entries, and memory in bytes."""
        return dict(getattr(self.store.store, "stats", dict)())

    # Names, versions and bytes in the store.

    def name(self, kind: str, key: str) -> str:
        """The name in the store: short and plain, whatever the key."""
        digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return f"{self.store.prefix}{kind}:{digest}"

    def seconds(self, timeout: Timeout) -> int:
        seconds = normalize_timeout(timeout)
        seconds = self.store.store.default_timeout if seconds is None else seconds
        return seconds if seconds > 0 else MONTH

    def read(
        self, key: str, tags: Iterable[str] = ()
    ) -> tuple[Entry | None, Versions, bytes | None]:
        """The valid entry of `key`, the versions of its shelf and of `tags`, and its lease: one
        round trip, and another one for tags that are new or were not asked for."""
        name, tags = self.name("value", key), [_shelf_of(key), *tags]
        names = name, self.name("lease", key), *self._tag_names(tags)
        data, lease, *found = self.store.get_many(*names)
        versions = dict(zip(tags, found, strict=True))
        for tag, version in versions.items():
            new = secrets.token_bytes(8)
            if version is None and self.store.add(self.name("tag", tag), new, MONTH):
                versions[tag] = new
        entry = self._open(name, data)
        if entry:
            others = [*entry.versions.keys() - versions.keys()]
            found = self.store.get_many(*self._tag_names(others))
            known = versions | dict(zip(others, found, strict=True))
            entry = entry if entry.versions.items() <= known.items() else None
        return entry, versions, lease

    def write(self, key: str, entry: Entry, lifetime: int) -> bool:
        name = self.name("value", key)
        try:
            data = self._sealer(name).dumps(tuple(entry))
        except Exception as error:  # whatever a value that cannot be pickled raises
            logger.error("The value of %r cannot be cached: %r", key, error)
            return False
        known = None not in entry.versions.values() and not self.off
        return known and self.store.set(name, data, lifetime)

    def _open(self, name: str, data: bytes | None) -> Entry | None:
        try:
            return Entry(*self._sealer(name).loads(data)) if data else None
        except Exception as error:  # not signed by us, or of a class that changed or moved
            logger.warning("An entry of the cache is ignored: %s", type(error).__name__)
            self.store.delete_many(name)
            return None

    def _sealer(self, name: str) -> Serializer[bytes]:
        """The last key signs; one that was rotated out keeps the cache warm."""
        config = (current_app or self.app).config
        return sealer(name, [*(config["SECRET_KEY_FALLBACKS"] or ()), config["SECRET_KEY"]])

    def _tag_names(self, tags: Iterable[str]) -> list[str]:
        return [self.name("tag", tag) for tag in tags]


_shelf = "shelf {}".format


def _shelf_of(key: str) -> str:
    """The tag that the key has by itself."""
    return _shelf(zlib.crc32(key.encode()) % SHELVES)
