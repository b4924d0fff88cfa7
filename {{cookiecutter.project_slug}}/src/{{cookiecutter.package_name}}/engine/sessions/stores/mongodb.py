"""Sessions in MongoDB. They survive a restart, and the failure of a replica set's primary."""

from bson.errors import BSONError
from pymongo.errors import PyMongoError

from ...clients import mongodb as client
from .. import stores

SCHEMES = client.SCHEMES
check_url = client.connect  # which does not connect yet
MOST = 2_000_000  # sessions


class Store(stores.Store):
    """One command for each operation. Only a write starts the lifetime again."""

    errors = (PyMongoError, BSONError)

    def __init__(self, url: str, lifetime: int) -> None:
        self._server = client.connect(url, "sessions")
        self._lifetime = lifetime  # seconds

    def load(self, key: str) -> bytes | None:
        there = {"_id": key, "expires": {"$gt": client.after(0)}}
        found = self._server.run(lambda sessions: sessions.find_one(there, {"data": 1}))
        return found["data"] if found else None

    def create(self, key: str, data: bytes) -> None:
        self._server.put(key, self._lifetime, data=_fitting(data))

    def replace(self, key: str, old: bytes, new: bytes) -> bool:
        there = {"_id": key, "data": old, "expires": {"$gt": client.after(0)}}
        change = {"$set": {"data": _fitting(new), "expires": client.after(self._lifetime)}}
        changed = self._server.run(lambda sessions: sessions.update_one(there, change))
        return bool(changed.matched_count)

    def delete(self, key: str) -> None:
        # Not `delete_one`: FerretDB loses it if another request changes the session at the moment.
        self._server.run(lambda sessions: sessions.delete_many({"_id": key}))

    def used(self) -> float:
        return self._server.run(lambda sessions: sessions.estimated_document_count()) / MOST


def _fitting(data: bytes) -> bytes:
    if len(data) > client.LARGEST:
        raise ValueError(
            f"A session of {len(data)} bytes is more than MongoDB takes (16 MB): keep large values "
            "elsewhere, and their ids in the session."
        )
    return data
