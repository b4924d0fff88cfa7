"""The cache in MongoDB: one server, a replica set or a sharded cluster, by CACHE_URL."""

import logging
import re
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_caching.backends.base import BaseCache
from flask_caching.utils import normalize_timeout
from pymongo import UpdateOne, WriteConcern
from pymongo.errors import DuplicateKeyError

from ...clients import mongodb as client

SCHEMES = client.SCHEMES
check_url = client.connect  # which does not connect yet
FAST = WriteConcern("majority")  # for leases and versions: if a crash loses one, nothing is stale
WITHOUT_END = 100 * 365 * 24 * 3600  # seconds

logger = logging.getLogger(__name__)


class Store(BaseCache):
    """Bytes under keys. An operation is one command. Nothing is evicted: entries expire.

    A restart or a failover loses no confirmed invalidation: what is valid then was valid before.
    """

    def __init__(self, url: str, prefix: str, default_timeout: int) -> None:
        super().__init__(default_timeout)
        self.server = client.connect(url, "cache")
        self.prefix = prefix

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> "Store":
        return cls(config["CACHE_URL"], config["CACHE_KEY_PREFIX"], kwargs["default_timeout"])

    def get_many(self, *keys: str) -> list[Any]:
        there = {"_id": {"$in": keys}, "expires": {"$gt": client.after(0)}}
        whole = len(keys) + 1  # so that all are in the first answer, and there is no second one
        found = self.server.run(
            lambda entries: {
                entry["_id"]: entry["value"]
                for entry in entries.find(there, {"value": 1}, batch_size=whole)
            }
        )
        return [found.get(key) for key in keys]

    def set(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        if len(value) > client.LARGEST:
            logger.warning("%d bytes are not cached: MongoDB takes 16 MB", len(value))
            return False
        self.server.put(key, self._seconds(timeout), value=value)
        return True

    def set_many(
        self, mapping: dict[str, bytes], timeout: int | timedelta | None = None
    ) -> list[str]:
        expires = client.after(self._seconds(timeout))
        changes = [
            UpdateOne({"_id": key}, {"$set": {"value": value, "expires": expires}}, upsert=True)
            for key, value in mapping.items()
        ]
        self.server.run(lambda entries: entries.bulk_write(changes, ordered=False))
        return [*mapping]

    def add(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        expired = {"_id": key, "expires": {"$lte": client.after(0)}}
        entry = {"value": value, "expires": client.after(self._seconds(timeout))}
        try:
            self.server.run(
                lambda entries: entries.with_options(write_concern=FAST).update_one(
                    expired, {"$set": entry}, upsert=True
                )
            )
        except DuplicateKeyError:  # there is one that has not expired
            return False
        return True

    def delete_many(self, *keys: str) -> list[str]:
        self.server.run(lambda entries: entries.delete_many({"_id": {"$in": keys}}))
        return list(keys)

    def stats(self) -> dict[str, int]:
        """Entries of this service, and the size of the collection in bytes."""
        ours = {"$regex": f"^{re.escape(self.prefix)}value:"}
        there = {"_id": ours, "expires": {"$gt": client.after(0)}}
        run = self.server.run
        held = run(lambda entries: entries.database.command("collStats", entries.name))
        return {
            "entries": run(lambda entries: entries.count_documents(there)),
            "memory": int(held["size"]),
        }

    def _seconds(self, timeout: int | timedelta | None) -> int:
        return normalize_timeout(timeout) or WITHOUT_END
