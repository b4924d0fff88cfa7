"""What lies in the store: a value, signed, with the moment it goes stale and its tags' versions."""

import hashlib
import pickle
import time
from typing import Any, NamedTuple

from itsdangerous import Serializer


class Entry(NamedTuple):
    value: Any
    fresh_until: float  # seconds since the epoch
    versions: dict[str, bytes | None]  # tag -> its version when the computation began

    @property
    def ttl(self) -> float:
        """Seconds until it goes stale; negative since then."""
        return self.fresh_until - time.time()


def sealer(name: str, keys: list[str]) -> Serializer[bytes]:
    """Writes and reads what lies under `name`: a pickle, signed with the last of the keys.

    It decodes only what one of the keys signed, for that name: nobody who can write to the store
    can run code.
    """
    how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return Serializer(keys, salt=name, serializer=pickle, signer_kwargs=how)
