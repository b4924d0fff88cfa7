"""What lies in the store: a value, signed, with the moment it goes stale and its tags' versions."""

import hashlib
import pickle
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from itsdangerous import BadSignature, Signer


class BadEntryError(Exception):
    """The bytes were not written by this service, or by a deploy whose classes are gone."""


class Entry(NamedTuple):
    value: Any
    fresh_until: float  # seconds since the epoch
    versions: Mapping[str, bytes | None]  # tag -> its version when the computation began

    @property
    def ttl(self) -> float:
        """Seconds until it goes stale; negative since then."""
        return self.fresh_until - time.time()


def seal(entry: Entry, name: str, keys: Sequence[str]) -> bytes:
    """What is to lie under `name`, signed with the last of the keys."""
    return _signer(name, keys).sign(pickle.dumps(tuple(entry), protocol=5))


def unseal(data: bytes, name: str, keys: Sequence[str]) -> Entry:
    """The entry under `name`. Raises BadEntryError when none of the keys signed it for that name.

    The pickle is decoded only after that, so that nobody who can write to the store can run code.
    """
    try:
        return Entry(*pickle.loads(_signer(name, keys).unsign(data)))  # noqa: S301 - signed by us
    except BadSignature:
        raise BadEntryError("its signature is not ours") from None
    except Exception as error:  # whatever a class that changed or moved raises
        raise BadEntryError(f"an older deploy wrote it: {error!r}") from error


def _signer(name: str, keys: Sequence[str]) -> Signer:
    return Signer(list(keys), salt=name, key_derivation="hmac", digest_method=hashlib.sha256)
