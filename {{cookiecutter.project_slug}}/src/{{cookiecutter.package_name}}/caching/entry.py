"""What lies in the store: a value, signed, with the moment it goes stale and its tags' versions."""

import hmac
import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SIGNATURE_BYTES = 32


class BadEntryError(Exception):
    """The bytes were not written by this service, or by a deploy whose classes are gone."""


@dataclass(frozen=True, slots=True)
class Entry:
    value: Any
    fresh_until: float  # seconds since the epoch
    versions: Mapping[str, bytes | None]  # tag -> its version when the computation began

    @property
    def ttl(self) -> float:
        """Seconds until it goes stale; negative since then."""
        return self.fresh_until - time.time()


class Sealer:
    """Sign entries with the first key, accept those of any: a rotated key keeps the cache warm.

    The pickle inside is decoded only after the signature held, so that nobody who can write to
    the store can run code here. The signature covers the key: an entry cannot be moved.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self.keys = [hmac.digest(s.encode(), b"signed cache entry", "sha256") for s in secrets]

    def seal(self, name: str, entry: Entry) -> bytes:
        payload = pickle.dumps((entry.value, entry.fresh_until, entry.versions), protocol=5)
        return self._sign(self.keys[0], name, payload) + payload

    def open(self, name: str, data: bytes) -> Entry:
        """The entry under `name`. Raises BadEntryError, without having decoded a forged one."""
        signature, payload = data[:SIGNATURE_BYTES], data[SIGNATURE_BYTES:]
        if not any(
            hmac.compare_digest(signature, self._sign(key, name, payload)) for key in self.keys
        ):
            raise BadEntryError("its signature is not ours")
        try:
            return Entry(*pickle.loads(payload))  # noqa: S301 - signed by us
        except Exception as error:  # whatever a class that changed or moved raises
            raise BadEntryError(f"an older deploy wrote it: {error!r}") from error

    @staticmethod
    def _sign(key: bytes, name: str, payload: bytes) -> bytes:
        return hmac.digest(key, name.encode() + b"\0" + payload, "sha256")
