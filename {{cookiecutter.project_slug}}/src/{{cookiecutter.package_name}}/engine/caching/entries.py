"""The entries in the store: signed values, each valid while the versions of its tags stay."""

import hashlib
import logging
import secrets
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Self, TypeAlias

from flask_caching.backends.nullcache import NullCache

from .breaker import Breaker
from .sealing import Sealer

Versions: TypeAlias = dict[str, bytes | None]  # of tags, by their names in the store

BUCKETS = [f"bucket {number}" for number in range(64)]  # each key's hash gives it one of these tags
MONTH = 30 * 24 * 3600  # seconds that a version lasts, and a value "without end"

logger = logging.getLogger(__name__)


class TaggedKey(str):
    """A key whose value has tags, also if the service itself stores one with `cache.set`."""

    tags: tuple[str, ...]

    def __new__(cls, key: str, tags: Iterable[str]) -> Self:
        self = super().__new__(cls, key)
        self.tags = tuple(tags)
        return self


class Entry(NamedTuple):
    value: Any
    fresh_until: float  # seconds since the epoch
    versions: Versions  # of its tags, when its computation began

    @property
    def ttl(self) -> float:
        """Seconds until it is stale; negative afterwards."""
        return self.fresh_until - time.time()


class Names(NamedTuple):
    """What belongs to a key, by names in the store."""

    value: str
    lease: str
    tags: list[str]  # those of the key's bucket and of its own tags


class Read(NamedTuple):
    """What the store has for a key."""

    entry: Entry | None  # if it is valid
    versions: Versions  # of the key's bucket and tags
    lease: bytes | None


class Entries:
    """Reads and writes entries in one service's part of a store, and makes them invalid.

    A tag has a version, a random number in the store. An entry carries the versions that its tags
    had when its computation began, and is valid while they are the same. Invalidating a tag means
    deleting its version; the next reader makes a new one. A value and its versions are read in one
    round trip, so no reader gets a value whose computation began before an invalidation.

    A version begins with the origin of its server: all versions are void if the server restarted
    or another one took over, because it may have missed an invalidation.

    Values are those of one release of the service. Keys, tags and leases are common to all, so that
    during a deploy the old and the new code invalidate for each other.
    """

    def __init__(self, breaker: Breaker, sealer: Sealer) -> None:
        self.breaker = breaker
        self.sealer = sealer
        self.off = isinstance(breaker.backend, NullCache)

    def name(self, kind: str, key: str) -> str:
        """The name of a key in the store: short, and without special characters."""
        digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return f"{self.breaker.prefix}{kind}:{digest}"

    def names(self, key: str, tags: tuple[str, ...] = ()) -> Names:
        names = [self.name("tag", tag) for tag in (_bucket(key), *tags)]
        return Names(self.name("value", key), self.name("lease", key), names)

    def read(self, key: str, tags: tuple[str, ...] = ()) -> Read:
        """What the store has for the key.

        This takes one round trip, and another one if the entry has more tags or a tag is new.
        """
        return self.read_named(self.names(key, tags), self.open)

    def read_named(self, names: Names, opened: Callable[[str, bytes | None], Entry | None]) -> Read:
        """What the store has under the names. `opened` makes an entry of a name and its bytes."""
        data, lease, *found = self.breaker.get_many(names.value, names.lease, *names.tags)
        versions = self._of_their_servers(names.tags, found)
        for tag in [tag for tag, version in versions.items() if version is None]:
            versions[tag] = self._new_version(tag, found[names.tags.index(tag)])
        [entry] = self._valid([opened(names.value, data)], versions)
        return Read(entry, versions, lease)

    def read_all(self, keys: Sequence[str]) -> list[Entry | None]:
        """The valid entries of the keys, in two round trips for any number of keys."""
        names = [self.name("value", key) for key in keys]
        return self._valid([*map(self.open, names, self.breaker.get_many(*names))], {})

    def write(self, key: str, entry: Entry, lifetime: int) -> bool:
        """Store the entry for `lifetime` seconds. Returns whether it is stored."""
        name = self.name("value", key)
        try:
            data = self.sealer.seal(name, tuple(entry))
        except Exception as error:  # pickling a value may raise any error
            logger.error("The value of %r cannot be cached: %r", key, error)
            return False
        known = None not in entry.versions.values() and not self.off
        return known and self.breaker.set(name, data, lifetime)

    def supersede(self, key: str) -> tuple[Entry | None, Versions]:
        """Make results invalid that are being computed for the key.

        Returns its entry, and the versions that a new entry carries.
        """
        tags = getattr(key, "tags", ())
        entry, versions, lease = self.read(key, tags)
        # The lease is held, or the cache is down: a computation may be running.
        if lease or self.breaker.open:
            self.invalidate(_bucket(key))
            _, versions, _ = self.read(key, tags)
        return entry, versions

    def delete(self, key: str) -> bool:
        """Delete the entry and results that are being computed. Returns whether it existed."""
        entry, _ = self.supersede(key)
        self.breaker.delete_many(self.name("value", key))
        return entry is not None

    def invalidate(self, *tags: str) -> None:
        """Make every entry with one of the tags unreachable, at once and for every process.

        When this returns, no request gets a value whose computation began before it.
        """
        self.breaker.delete_many(*(self.name("tag", tag) for tag in tags))

    def clear(self) -> bool:
        """Invalidate all entries of this cache, in one command for any number of entries."""
        self.invalidate(*BUCKETS)
        return not self.breaker.open

    def _of_their_servers(self, names: Sequence[str], found: Sequence[bytes | None]) -> Versions:
        """The versions by name. What a server holds from before it started is void."""
        return {
            name: version if version and version.startswith(self.breaker.origin(name)) else None
            for name, version in zip(names, found, strict=True)
        }

    def _new_version(self, name: str, void: bytes | None) -> bytes | None:
        """Make a version, or read the one that another request made first."""
        if void:
            self.breaker.delete_many(name)
        new = self.breaker.origin(name) + secrets.token_bytes(8)
        return new if self.breaker.add(name, new, MONTH) else self.breaker.get_many(name)[0]

    def _valid(self, entries: list[Entry | None], known: Versions) -> list[Entry | None]:
        """The entries whose tags still have the same versions, and None for the others."""
        if all(entry is None or entry.versions == known for entry in entries):
            return entries  # as it mostly is
        tags = {tag for entry in entries if entry for tag in entry.versions}
        others = [*(tags - known.keys())]
        known = known | self._of_their_servers(others, self.breaker.get_many(*others))
        return [
            entry if entry and entry.versions.items() <= known.items() else None
            for entry in entries
        ]

    def open(self, name: str, data: bytes | None) -> Entry | None:
        """The entry of the bytes under a name, or None for bytes that are not this service's."""
        try:
            found = self.sealer.open(name, data) if data else None
            return Entry(*found) if found else None
        except Exception as error:  # not signed by us, or of a class that is gone
            logger.warning("An entry of the cache is ignored: %s", type(error).__name__)
            self.breaker.delete_many(name)
            return None


def _bucket(key: str) -> str:
    return BUCKETS[zlib.crc32(key.encode()) % len(BUCKETS)]
