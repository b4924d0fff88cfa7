"""Single flight: of all who miss a key at once, one computes and the others get its value."""

import logging
import math
import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from blinker import Signal
from werkzeug.exceptions import HTTPException

from .entry import Entry

if TYPE_CHECKING:
    from .values import Values

LEASE = 10  # seconds a computation may take before somebody else may begin it again
PATIENCE = LEASE + 1  # seconds to wait for one who computes: beyond the end of the lease
PASS_FOR = 5  # seconds a key goes without single flight after a value that cannot be stored
VERSION_LIFETIME = 30 * 24 * 3600  # seconds

cache_outcome = Signal("How a flight ended: outcome is hit, stale, miss, bypass or error.")
logger = logging.getLogger(__name__)


class Pass:
    """Stands in the store for a value that cannot be stored."""


class Flight:
    """One request for one key: a context manager around the look-up and the computation.

        with Flight(cache, key, tags, stale) as flight:
            if not flight.board():
                flight.land(compute(), timeout)
        return flight.value

    A lease makes sure of one computation. An exception frees it at once; that of a process that
    died ends after LEASE seconds. Those who wait outlast two failures, then they compute for
    themselves. What lands carries the versions that its tags had before the computation: an
    invalidation meanwhile voids it.
    """

    def __init__(
        self, cache: "Values", key: str = "", tags: Iterable[str] = (), stale: int = 0
    ) -> None:
        self.cache = cache
        self.key = key
        self.tags = tuple(tags)
        self.stale = stale
        self.forced = False  # compute anew, whatever is there
        self.outcome = "bypass"
        self.stored = False
        self.value: Any = None
        self.entry: Entry | None = None
        self._versions: dict[str, bytes | None] = {}
        self._holder: bytes | None = None  # the lease, as last seen
        self._leased_until = 0.0

    @property
    def ttl(self) -> int:
        """Seconds until the value goes stale; negative since then."""
        return math.floor(self.entry.ttl) if self.entry and self.entry.ttl < math.inf else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._release()
        if self.cache.store.open:
            self.outcome = "error"
        cache_outcome.send(self.cache, outcome=self.outcome)

    def board(self) -> bool:
        """True: `value` is there, fresh, or stale while somebody else computes it anew.
        False: compute it, then `land` it or `decline`."""
        if self.cache.off or self.cache.store.open:
            return False
        if self.forced:
            self.prepare()
            self._take_lease()
            return False
        holders: set[bytes] = set()
        deadline, pause = time.monotonic() + PATIENCE, 0.01
        while not self._look():
            if isinstance(self.value, Pass) or self.cache.store.open:
                break
            if self._holder is None and self._take_lease():
                return self._look()  # its last holder may have landed since we looked
            if self.entry:
                self.outcome = "stale"
                return True
            if self._holder and self._holder not in holders:  # the one before died, or failed
                holders.add(self._holder)
                deadline = time.monotonic() + PATIENCE
            if len(holders) > 2 or time.monotonic() > deadline:
                break
            time.sleep(pause := min(2 * pause, 0.16))
        else:
            return True
        self._versions = {}  # whoever computes without the lease does not store
        return False

    def prepare(self) -> None:
        """Get ready to land a value whatever is there, and void what others compute now."""
        self._look()
        if self._holder:
            self.cache.invalidate(self.cache.shelf(self.key))
            self._look()
        if None in self._versions.values():
            self._make_versions()
            self._look()
        self.outcome = "miss"

    def land(self, value: Any, timeout: int) -> None:
        """Store the value for `timeout` seconds (0: for good), and `stale` seconds beyond."""
        expiry = time.time() + timeout if timeout else math.inf
        self.value, self.entry = value, Entry(value, expiry, self._versions)
        self.stored = self._write(self.entry, timeout + self.stale if timeout else 0)
        if not self.stored:
            self.decline()
        self._release()

    def decline(self) -> None:
        """The value cannot be stored: let everybody compute their own for a while."""
        if self._leased_until:
            self._write(Entry(Pass(), time.time() + PASS_FOR, self._versions), PASS_FOR)

    def fall_back(self, error: Exception | None = None) -> bool:
        """After a failed computation: whether the stale value stands in (stale-if-error). If so
        the lease stays until it ends: the failure is met and logged once in that time."""
        meant = isinstance(error, HTTPException) and error.get_response().status_code < 500
        if meant or not (self.entry and self._leased_until):
            return False
        logger.error("A cached value could not be computed, a stale one is served.", exc_info=error)
        self.outcome, self._leased_until = "stale", 0.0
        return True

    def _look(self) -> bool:
        lease = self.cache.name("lease", self.key)
        [entry], self._versions, [self._holder] = self.cache.read([self.key], self.tags, lease)
        fresh = entry is not None and entry.ttl > 0
        self.value = entry.value if entry else None
        self.entry = None if isinstance(self.value, Pass) or not (fresh or self.stale) else entry
        self.outcome = "hit" if fresh and self.entry else "miss"
        return self.outcome == "hit"

    def _take_lease(self) -> bool:
        lease, until = self.cache.name("lease", self.key), time.monotonic() + LEASE
        if self.cache.store.add(lease, secrets.token_bytes(8), LEASE):
            self._leased_until = until
            self._make_versions()
        return bool(self._leased_until)

    def _make_versions(self) -> None:
        for tag, version in self._versions.items():
            if version is None:
                self.cache.store.add(
                    self.cache.name("tag", tag), secrets.token_bytes(8), VERSION_LIFETIME
                )

    def _write(self, entry: Entry, lifetime: int) -> bool:
        known = bool(self._versions) and None not in self._versions.values()
        return known and self.cache.write(self.key, entry, lifetime)

    def _release(self) -> None:
        if time.monotonic() < self._leased_until:  # else it may be somebody else's by now
            self.cache.store.delete_many(self.cache.name("lease", self.key))
        self._leased_until = 0.0
