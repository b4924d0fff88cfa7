"""Single flight: of all who miss a key at once, one computes and the others get its value."""

import logging
import secrets
import time
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

from blinker import Signal
from werkzeug.exceptions import HTTPException

from .entries import PASS, Entries, Entry, Versions

Held: TypeAlias = frozenset[tuple[Entries, str]]  # the keys of leases

LEASE = 5  # seconds a computation may take before somebody else may begin it again
PASS_FOR = 5  # seconds a key goes without single flight after a value that cannot be stored
STALE_SERVED = "A cached value could not be computed, a stale one is served."

cache_outcome = Signal("How a flight ended: outcome is hit, stale, miss, bypass or error.")
logger = logging.getLogger(__name__)
_held: ContextVar[Held] = ContextVar("held", default=frozenset())  # by the current call


@dataclass
class Flight:
    """One request for one key: a context manager around the look-up and the computation.

        with Flight(cache, key, tags, stale) as flight:
            if not flight.board():
                flight.land(compute(), timeout)
        return flight.value

    Who computes holds a lease: an exception frees it at once, the death of the process after LEASE
    seconds. Nobody waits for more than two holders, nor longer than two leases; then they compute
    for themselves. Only the holder stores. What lands carries the versions that its tags had before
    the computation: an invalidation meanwhile voids it.

    Where the computation raises, the stale value stands in, if there is one (stale-if-error). The
    lease stays then: the failure is met and logged once in that time.
    """

    cache: Entries
    key: str = ""
    tags: tuple[str, ...] = ()
    stale: int = 0
    forced: bool | None = False  # compute anew, whatever is there; None while nobody knows
    outcome: str = "bypass"
    stored: bool = False
    entry: Entry | None = None
    _versions: Versions = field(default_factory=dict)
    _holder: bytes | None = None  # the lease, as last seen
    _leased_until: float = 0.0
    _token: Token[Held] | None = None  # of what was held before

    @property
    def value(self) -> Any:
        return self.entry and self.entry.value

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        failed = isinstance(error, Exception) and not meant(error)
        stands_in = bool(failed and self.entry and self._leased_until)
        if stands_in:
            logger.error(STALE_SERVED, exc_info=error)
            self.outcome = "stale"
        else:
            self.release(passing=meant(error))
        if self._token:
            _held.reset(self._token)
        if self.outcome == "miss" and self.cache.store.open:
            self.outcome = "error"
        cache_outcome.send(self.cache, outcome=self.outcome)
        return stands_in

    def board(self) -> bool:
        """True: `value` is there, fresh, or stale while somebody else computes it anew.
        False: compute it, and `land` it if it can be stored."""
        if self.cache.off:
            return False
        seen: set[bytes] = set()
        deadline, pause = time.monotonic() + 2 * LEASE, 0.01
        while not self._look():
            if self._holder is None and self._take_lease():
                if not self._look():
                    return False
                self.release()  # its last holder landed since we looked
                break
            if self.entry and not self.forced:
                self.outcome = "stale"
                break
            if self._holder:  # another one than before: that one died, or failed
                seen.add(self._holder)
            tired = len(seen) > 2 or time.monotonic() > deadline
            alone = self._holder == PASS or (self.cache, self.key) in _held.get()  # asks for itself
            if tired or alone or self.forced or self.cache.store.open:
                return False
            time.sleep(pause := min(2 * pause, 0.16))
        return True

    def land(self, value: Any, timeout: int) -> bool:
        """Store the value for `timeout` seconds, and `stale` seconds beyond."""
        self.entry = Entry(value, time.time() + timeout, self._versions)
        if self._leased_until:
            self.stored = self.cache.write(self.key, self.entry, timeout + self.stale)
        self.release(passing=not self.stored)
        return self.stored

    def release(self, *, passing: bool = False) -> None:
        """Let the next one compute; with `passing`, let everybody compute their own for a while."""
        if time.monotonic() < self._leased_until:  # else it may be somebody else's by now
            lease = self.cache.name("lease", self.key)
            passing = passing and self.cache.store.set(lease, PASS, PASS_FOR)
            self.cache.store.delete_many(self.cache.name("value", self.key) if passing else lease)
        self._leased_until = 0.0

    def _look(self) -> bool:
        entry, self._versions, self._holder = self.cache.read(self.key, self.tags)
        fresh = entry is not None and entry.ttl > 0
        self.entry = entry if entry and entry.ttl > -self.stale else None
        self.outcome = "hit" if fresh and not self.forced else "miss"
        return self.outcome == "hit"

    def _take_lease(self) -> bool:
        until = time.monotonic() + LEASE - 1  # a server may end it up to a second early
        if self.cache.store.add(self.cache.name("lease", self.key), secrets.token_bytes(8), LEASE):
            self._leased_until = until
            self._token = _held.set(_held.get() | {(self.cache, self.key)})
        return bool(self._leased_until)


def meant(error: BaseException | None) -> bool:
    """Whether it is no failure, but an answer, as a 404 is."""
    answer = isinstance(error, HTTPException) and error.get_response().status_code < 500
    return error is None or answer
