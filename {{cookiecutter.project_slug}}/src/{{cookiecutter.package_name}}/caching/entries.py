"""What lies in the store: values, signed, and valid while the versions of their tags stay."""

import hashlib
import logging
import pickle
import secrets
import time
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import flask_caching
from flask import Flask, current_app
from flask_caching.backends.nullcache import NullCache
from itsdangerous import Serializer

from .breaker import Breaker

Versions: TypeAlias = dict[str, bytes | None]  # of tags, by their names in the store

SHELVES = [f"shelf {number}" for number in range(64)]  # tags: every key has one, by its hash
PASS = b"pass"  # in place of a lease: everybody computes, and nobody stores
MONTH = 30 * 24 * 3600  # seconds: so long a version lasts, and with it what is kept for good

logger = logging.getLogger(__name__)


class Entry(NamedTuple):
    value: Any
    fresh_until: float  # seconds since the epoch
    versions: Versions  # when the computation began

    @property
    def ttl(self) -> float:
        """Seconds until it goes stale; negative since then."""
        return self.fresh_until - time.time()


class Entries(flask_caching.Cache):
    """Reads and writes them, whatever the store, and makes them invalid."""

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

    def name(self, kind: str, key: str) -> str:
        """The name in the store: short and plain, whatever the key."""
        digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return f"{self.store.prefix}{kind}:{digest}"

    def read(
        self, key: str, tags: tuple[str, ...] = ()
    ) -> tuple[Entry | None, Versions, bytes | None]:
        """The valid entry of `key`, the versions of its shelf and of `tags`, and its lease: one
        round trip, and another one for tags that are new or were not asked for."""
        name = self.name("value", key)
        names = [self.name("tag", tag) for tag in (_shelf(key), *tags)]
        data, lease, *found = self.store.get_many(name, self.name("lease", key), *names)
        versions = dict(zip(names, found, strict=True))
        for tag in [tag for tag, version in versions.items() if version is None]:
            new = secrets.token_bytes(8)
            added = self.store.add(tag, new, MONTH)
            versions[tag] = new if added else self.store.get_many(tag)[0]  # another one's
        [entry] = self._valid([self._open(name, data)], versions)
        return entry, versions, lease

    def read_all(self, keys: Sequence[str]) -> list[Entry | None]:
        """Their valid entries, in two round trips, however many they are."""
        names = [self.name("value", key) for key in keys]
        return self._valid([*map(self._open, names, self.store.get_many(*names))], {})

    def write(self, key: str, entry: Entry, lifetime: int) -> bool:
        name = self.name("value", key)
        try:
            data = self._sealer(name).dumps(tuple(entry))
        except Exception as error:  # whatever a value that cannot be pickled raises
            logger.error("The value of %r cannot be cached: %r", key, error)
            return False
        known = None not in entry.versions.values() and not self.off
        return known and self.store.set(name, data, lifetime)

    def void(self, key: str) -> tuple[Entry | None, Versions]:
        """Nobody stores what they compute for the key now. Returns what is there, and what to
        store it with."""
        entry, versions, lease = self.read(key)
        if lease not in (None, PASS) or self.store.open:  # then who knows what is being computed
            self.invalidate(_shelf(key))
            _, versions, _ = self.read(key)
        return entry, versions

    def invalidate(self, *tags: str) -> None:
        """Make whatever has one of these tags unreachable, at once and for every process.

        Once this returned, nobody gets a value that was computed, or begun, before it.
        """
        self.store.delete_many(*(self.name("tag", tag) for tag in tags))

    def clear(self) -> bool:
        """Invalidate the entries of this cache, and of no other, however many there are."""
        self.invalidate(*SHELVES)
        return not self.store.open

    def _valid(self, entries: list[Entry | None], known: Versions) -> list[Entry | None]:
        """Those whose tags have the versions still, and None for the others."""
        others = {tag for entry in entries if entry for tag in entry.versions} - known.keys()
        known = known | dict(zip(others, self.store.get_many(*others), strict=True))
        return [
            entry if entry and entry.versions.items() <= known.items() else None
            for entry in entries
        ]

    def _open(self, name: str, data: bytes | None) -> Entry | None:
        try:
            return Entry(*self._sealer(name).loads(data)) if data else None
        except Exception as error:  # not signed by us, or of a class that changed or moved
            logger.warning("An entry of the cache is ignored: %s", type(error).__name__)
            self.store.delete_many(name)
            return None

    def _sealer(self, name: str) -> Serializer[bytes]:
        """Pickles, signed with the last key for that name; each key opens them, so one that was
        rotated out keeps the cache warm. It decodes nothing else: nobody who can write to the
        store can run code."""
        config = (current_app or self.app).config
        keys = [*(config["SECRET_KEY_FALLBACKS"] or ()), config["SECRET_KEY"]]
        how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        return Serializer(keys, salt=name, serializer=pickle, signer_kwargs=how)


def _shelf(key: str) -> str:
    return SHELVES[zlib.crc32(key.encode()) % len(SHELVES)]
