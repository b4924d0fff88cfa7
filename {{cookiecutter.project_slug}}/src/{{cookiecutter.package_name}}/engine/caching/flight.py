"""Single flight: when many requests miss the same value, only one computes it."""

import logging
import math
import secrets
import time
from contextvars import ContextVar, Token
from typing import Any, NamedTuple, Self, TypeAlias

from flask import current_app, has_request_context, request
from werkzeug.exceptions import HTTPException

from .entries import Entries, Entry, Read, Versions
from .metrics import count

Leases: TypeAlias = frozenset[tuple[Entries, str]]

LEASE = 5  # seconds that a computation may take before another request may begin it again
STALE_SERVED = "A cached value could not be computed, a stale one is served."

logger = logging.getLogger(__name__)
# The keys that this call is computing: a computation that asks for its own key must not wait.
_computing: ContextVar[Leases] = ContextVar("computing", default=frozenset())


class Unstorable(NamedTuple):
    """Takes the place of a value that could not be stored."""

    lease: bytes  # of the request that computed it


class Flight:
    """One request for one key: a context manager around the look-up and the computation.

        with Flight(entries, key, tags, stale) as flight:
            if flight.must_compute():
                flight.store(compute(), timeout)
        return flight.value

    * The request that computes holds a lease. An exception ends the lease at once. If the process
      dies, the lease ends after LEASE seconds. Only a flight that got the lease stores its result.
    * Other requests get the stale value at once, if there is one. Otherwise they wait for the new
      value, for at most two holders of the lease and 2 * LEASE seconds; then they compute it. If
      the holder's value cannot be stored, all who waited for it compute at once.
    * A stored value carries the versions that its tags had before the computation, so an
      invalidation during the computation makes it invalid.
    * If the computation raises and there is a stale value, the caller gets the stale value
      (stale-if-error). The lease is kept until it ends, so the failure is logged once in that time.
    """

    def __init__(
        self,
        entries: Entries,
        key: str = "",
        tags: tuple[str, ...] = (),
        stale: int = 0,
        seen: Read | None = None,  # what the look-up in front of Flask found a moment ago
    ) -> None:
        self.outcome = "bypass"
        self.stored = False
        self.entry: Entry | None = None
        self.stale = stale  # seconds
        self._entries = entries
        self._key = key
        self._tags = tags
        self._seen = seen
        self._forced = False
        self._versions: Versions = {}
        self._lease: bytes | None = None  # as last seen in the store
        self._ended: bytes | None = None  # the last lease whose value could not be stored
        self._own = secrets.token_bytes(8)  # this flight's lease, if it gets it
        self._deferred = False
        self._leased_until = 0.0  # by this flight, in seconds of time.monotonic()
        self._token: Token[Leases] | None = None

    @property
    def value(self) -> Any:
        return self.entry and self.entry.value

    @property
    def ttl(self) -> float:
        """Seconds until the value is stale; negative afterwards."""
        return self.entry.ttl if self.entry else 0.0

    @property
    def status(self) -> str:
        """The outcome, in the form of the Cache-Status header (RFC 9211)."""
        if self.outcome in ("hit", "stale"):
            detail = "; detail=stale" if self.outcome == "stale" else ""
            return f"hit; ttl={math.floor(self.ttl)}{detail}"
        return "fwd=miss; stored" if self.stored else f"fwd={self.outcome}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        failed = isinstance(error, Exception) and not is_answer(error)
        serve_stale = bool(failed and self.entry and self._leased_until)
        if serve_stale:
            logger.error(STALE_SERVED, exc_info=error)
            self.outcome = "stale"
        elif error or not self._deferred:
            # Without an error, `store` was called before, or the value is not to be stored.
            self.release(unstorable=error is None or is_answer(error))
        if self._token:
            _computing.reset(self._token)
        if self.outcome == "miss" and self._entries.breaker.open:
            self.outcome = "error"
        if has_request_context():
            count(current_app, request.endpoint, self.outcome)
        return serve_stale

    def must_compute(self, *, force: bool = False) -> bool:
        """True if the caller must compute the value, and `store` it if it can be stored.

        False if `value` is there: fresh, or stale while another request computes the new one.
        With `force` a value that is there does not count.
        """
        if self._entries.off:
            return True
        self._forced = force
        seen: set[bytes] = set()
        deadline, pause = time.monotonic() + 2 * LEASE, 0.01
        while not self.look():
            if self._lease is None and self._take_lease():
                if not self.look():
                    return True
                self.release()  # its last holder stored a value since we looked
                return False
            if self.entry and not self._forced:
                self.outcome = "stale"
                return False
            if self._lease:  # a new one: the holder of the last one died or failed
                seen.add(self._lease)
            tired = len(seen) > 2 or time.monotonic() > deadline
            if tired or self._ended in seen or self._waits_for_nobody():
                return True
            time.sleep(pause := min(2 * pause, 0.16))
        return False

    def store(self, value: Any, timeout: int) -> bool:
        """Store the value for `timeout` and `stale` seconds, if this flight got the lease.

        Returns whether it is stored.
        """
        self.entry = Entry(value, time.time() + timeout, self._versions)
        if self._leased_until:
            self.stored = self._entries.write(self._key, self.entry, timeout + self.stale)
        self.release(unstorable=not self.stored)
        return self.stored

    def defer(self) -> None:
        """Keep the lease after the `with` block: a later `store` or `release` ends it."""
        self._deferred = True

    def release(self, *, unstorable: bool = False) -> None:
        """End the lease: the next request computes. If `unstorable`, all who wait do so."""
        if time.monotonic() < self._leased_until:  # otherwise another flight may hold it by now
            if unstorable:
                nothing = Entry(Unstorable(self._own), 0.0, {})
                self._entries.write(self._key, nothing, LEASE)
            lease = self._entries.name("lease", self._key)
            self._entries.breaker.delete_many(lease, until=self._leased_until)
        self._leased_until = 0.0

    def look(self) -> bool:
        """Whether the cache has a fresh `value`. Reads it, or a stale one."""
        read, self._seen = self._seen or self._entries.read(self._key, self._tags), None
        entry, self._versions, self._lease = read
        if entry and isinstance(entry.value, Unstorable):
            self._ended, entry = entry.value.lease, None
        fresh = entry is not None and entry.ttl > 0
        if entry and (entry.ttl <= -self.stale or (self._forced and not self.stale)):
            entry = None  # it must not take the place of a failed computation
        self.entry = entry
        self.outcome = "hit" if fresh and not self._forced else "miss"
        return self.outcome == "hit"

    def _take_lease(self) -> bool:
        until = time.monotonic() + LEASE - 1  # a server may end it up to a second early
        name = self._entries.name("lease", self._key)
        if self._entries.breaker.add(name, self._own, LEASE):
            self._leased_until = until
            if self._token is None:  # else this flight had the lease before
                self._token = _computing.set(_computing.get() | {(self._entries, self._key)})
        return bool(self._leased_until)

    def _waits_for_nobody(self) -> bool:
        return (
            self._forced
            or self._entries.breaker.open
            or (self._entries, self._key) in _computing.get()  # it would wait for itself
        )


def is_answer(error: BaseException) -> bool:
    """Whether the exception is an answer, such as a 404, and not a failure."""
    return isinstance(error, HTTPException) and error.get_response().status_code < 500
