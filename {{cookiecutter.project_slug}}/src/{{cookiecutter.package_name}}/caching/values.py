"""Caching values: Flask-Caching, with single flight, tags, stale values and signed entries."""

import hashlib
import logging
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, TypeVar, cast

import flask_caching
from flask import Flask, current_app
from flask_caching.backends.nullcache import NullCache
from flask_caching.utils import normalize_timeout

from .breaker import Breaker
from .entry import BadEntryError, Entry, seal, unseal
from .flight import Flight

T = TypeVar("T")

SHELVES = 64  # every key is on one of them, by its hash; each has a version, as tags have

logger = logging.getLogger(__name__)
boarding: ContextVar[Flight | None] = ContextVar("boarding", default=None)  # of a decorated call


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
        timeout: int | timedelta | None = None,
        *,
        stale: int = 0,
        tags: Iterable[str] = (),
    ) -> T:
        """The value of `key`, computed when there is none, by one caller at a time.

        For `stale` seconds after the timeout the old value is served while one caller computes
        the new one, and when that fails.
        """
        with Flight(self, key, tags, stale) as flight:
            if not flight.board():
                try:
                    flight.land(compute(), self.seconds(timeout))
                except Exception as error:
                    if not flight.fall_back(error):
                        raise
            return cast(T, flight.value)

    def invalidate(self, *tags: str) -> None:
        """Make whatever has one of these tags unreachable, at once and for every process.

        Once this returned, nobody gets a value that was computed, or begun, before it.
        """
        self.store.delete_many(*self._tag_names(tags))

    def clear(self) -> bool:
        """Invalidate the entries of this cache, and of no other, however many there are."""
        self.invalidate(*map(_shelf_name, range(SHELVES)))
        return not self.store.open

    def get(self, key: str) -> Any:
        flight = boarding.get()
        if flight is None or flight.key not in ("", key):
            return self.get_many(key)[0]
        flight.key = key
        return flight.value if flight.board() else None

    def get_many(self, *keys: str) -> list[Any]:
        entries, _, _ = self.read(keys)
        return [entry.value if entry and entry.ttl > 0 else None for entry in entries]

    def get_dict(self, *keys: str) -> dict[str, Any]:
        return dict(zip(keys, self.get_many(*keys), strict=True))

    def has(self, key: str) -> bool:
        flight = boarding.get()
        if flight and flight.key == key:
            return flight.outcome in ("hit", "stale")
        [entry], _, _ = self.read([key])
        return entry is not None and entry.ttl > 0

    def set(self, key: str, value: Any, timeout: int | timedelta | None = None) -> bool:
        flight = boarding.get()
        if flight is None or flight.key != key:
            flight = Flight(self, key)
            flight.prepare()
        if isinstance(value, flask_caching.CachedResponse) and value.timeout is not None:
            timeout = value.timeout
        flight.land(value, self.seconds(timeout))
        return flight.stored

    def set_many(
        self, mapping: dict[str, Any], timeout: int | timedelta | None = None
    ) -> list[str]:
        return [key for key, value in mapping.items() if self.set(key, value, timeout)]

    def add(self, key: str, value: Any, timeout: int | timedelta | None = None) -> bool:
        with Flight(self, key) as flight:
            if flight.board():
                return False
            flight.land(value, self.seconds(timeout))
            return flight.stored

    def delete(self, key: str) -> bool:
        return bool(self.delete_many(key))

    def delete_many(self, *keys: str) -> list[str]:
        """Delete, and void what is being computed for these keys. Returns those that were there."""
        entries, _, holders = self.read(keys, (), *(self.name("lease", key) for key in keys))
        void = [self.shelf(k) for k, holder in zip(keys, holders, strict=True) if holder]
        if self.store.open:  # who knows what is being computed
            void = [*map(self.shelf, keys)]
        self.store.delete_many(*(self.name("value", key) for key in keys), *self._tag_names(void))
        return [key for key, entry in zip(keys, entries, strict=True) if entry]

    def ping(self) -> bool:
        """Whether the store takes writes and gives them back. Raises what its client raises."""
        return self.off or self.store.ping()

    def stats(self) -> dict[str, int]:
        """What the store tells of itself: entries, and memory in bytes."""
        tell: Callable[[], dict[str, int]] = getattr(self.store.store, "stats", dict)
        return tell()

    # Names, versions and bytes in the store.

    def name(self, kind: str, key: str) -> str:
        """The name in the store: short and plain, whatever the key."""
        digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return f"{self.store.prefix}{kind}:{digest}"

    def shelf(self, key: str) -> str:
        """The tag that the key has by itself."""
        return _shelf_name(zlib.crc32(key.encode()) % SHELVES)

    def seconds(self, timeout: int | timedelta | None) -> int:
        seconds = normalize_timeout(timeout)
        return self.store.store.default_timeout if seconds is None else max(seconds, 0)

    def read(
        self, keys: Sequence[str], tags: Sequence[str] = (), *others: str
    ) -> tuple[list[Entry | None], dict[str, bytes | None], list[bytes | None]]:
        """The valid entries of `keys`, the versions of their shelves and of `tags`, and what lies
        under other names: one round trip, and another one for tags that were not asked for."""
        names = [self.name("value", key) for key in keys]
        versions = dict.fromkeys((*map(self.shelf, keys), *tags))
        data = self.store.get_many(*names, *others, *self._tag_names(versions))
        found, data = data[: len(names)], data[len(names) :]
        versions = dict(zip(versions, data[len(others) :], strict=True))
        entries = [self._open(*item) for item in zip(names, found, strict=True)]
        known = dict(versions)
        further = {tag for entry in entries if entry for tag in entry.versions} - known.keys()
        known.update(zip(further, self.store.get_many(*self._tag_names(further)), strict=True))
        valid = [
            entry if entry and all(known[t] == v for t, v in entry.versions.items()) else None
            for entry in entries
        ]
        return valid, versions, data[: len(others)]

    def write(self, key: str, entry: Entry, lifetime: int) -> bool:
        name = self.name("value", key)
        try:
            data = seal(entry, name, self._keys)
        except Exception as error:  # whatever a value that cannot be pickled raises
            logger.error("The value of %r cannot be cached: %r", key, error)
            return False
        return self.store.set(name, data, lifetime)

    def _open(self, name: str, data: bytes | None) -> Entry | None:
        try:
            return unseal(data, name, self._keys) if data is not None else None
        except BadEntryError as error:
            logger.warning("An entry of the cache is ignored: %s.", error)
            self.store.delete_many(name)
            return None

    def _tag_names(self, tags: Iterable[str]) -> list[str]:
        return [self.name("tag", tag) for tag in tags]

    @property
    def _keys(self) -> list[str]:
        """The last one signs; a key that was rotated out keeps the cache warm."""
        config = (current_app or self.app).config
        return [*(config["SECRET_KEY_FALLBACKS"] or ()), config["SECRET_KEY"]]


_shelf_name = "shelf {}".format
