"""The cache in files: shared by the workers of one host, without a server."""

import fcntl
import hashlib
import itertools
import os
import struct
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Flask
from flask_caching.backends.base import BaseCache
from flask_caching.utils import normalize_timeout

SCHEMES = ("file",)
HEADER = struct.Struct("!d")  # when the file expires, in seconds since the epoch
SWEEP_EVERY = 100  # writes


class Store(BaseCache):
    """A file for each key. A write replaces the whole file, so a reader never sees half a value.

    Every hundredth write of a process removes the expired files of the folder it wrote to, so
    that old values do not fill the disk.
    """

    def __init__(self, folder: Path, default_timeout: int) -> None:
        super().__init__(default_timeout)
        self.folder = folder
        self._writes = itertools.count(1)

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> "Store":
        folder = Path(unquote(urlsplit(config["CACHE_URL"]).path))
        return cls(folder.absolute(), kwargs["default_timeout"])

    def get_many(self, *keys: str) -> list[Any]:
        return [self._read(self._path(key)) for key in keys]

    def set(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        seconds = normalize_timeout(timeout) or 0
        expiry = time.time() + seconds if seconds else float("inf")
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent)
        try:
            with open(handle, "wb") as file:
                file.write(HEADER.pack(expiry) + value)
            os.replace(draft, path)
        except OSError:
            os.unlink(draft)
            raise
        if next(self._writes) % SWEEP_EVERY == 0:
            self._sweep(path.parent)
        return True

    def add(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path.parent / ".lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed or the process dies
            return self._read(path) is None and self.set(key, value, timeout)

    def delete_many(self, *keys: str) -> list[str]:
        for key in keys:
            self._path(key).unlink(missing_ok=True)
        return list(keys)

    def stats(self) -> dict[str, int]:
        """Files in the folder, expired ones included, and their bytes."""
        sizes = [path.stat().st_size for path in self.folder.glob("??/[0-9a-f]*")]
        return {"entries": len(sizes), "memory": sum(sizes)}

    def _path(self, key: str) -> Path:
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self.folder / digest[:2] / digest[2:]

    def _read(self, path: Path) -> bytes | None:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        return None if _expired(data) else data[HEADER.size :]

    def _sweep(self, folder: Path) -> None:
        for path in folder.iterdir():
            with suppress(FileNotFoundError), path.open("rb") as file:  # other processes sweep, too
                data = file.read(HEADER.size)
                if data and _expired(data):
                    path.unlink()


def _expired(data: bytes) -> bool:
    return len(data) < HEADER.size or bool(HEADER.unpack_from(data)[0] <= time.time())
