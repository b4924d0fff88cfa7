"""The cache in files: shared by the workers of one host, without a server."""

import hashlib
import itertools
import os
import struct
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from flask_caching.backends.base import BaseCache
from flask_caching.utils import normalize_timeout

from ...files import make_folder
from ...locks import locked, path_of

SCHEMES = ("file",)
HEADER = struct.Struct("!d")  # when the file expires, in seconds since the epoch
FOLDERS = 256
LIMIT = 256 * 1024 * 1024  # bytes of values
SWEEP_EVERY = 100  # reads of a process
PATIENCE = 0.4  # seconds, for a lock
HELD = 16 * 1024 * 1024  # bytes that need not be read again while their files are the same
SMALL = 100  # bytes of a version or a lease, which is no value


class Held(NamedTuple):
    """A file that was read."""

    seen: tuple[int, int, int]  # which file it was
    expiry: float  # seconds since the epoch
    value: bytes


class Store(BaseCache):
    """A file for each key. A write replaces the whole file, so a reader never sees half a value.

    Each process sweeps a folder after every hundredth read, and the one it wrote to after every
    quarter of what a folder may have: what has expired goes, and the oldest values if the folder
    has more than its part of `limit` bytes.
    """

    def __init__(self, folder: Path, default_timeout: int, limit: int = LIMIT) -> None:
        super().__init__(default_timeout)
        self.folder = folder
        self.limit = limit
        self._name = lru_cache(10_000)(lambda key: _name(folder, key))  # of a key's file
        self._held: dict[str, Held] = {}  # by name of the file
        self._size = 0  # bytes of `_held`
        self._reads = itertools.count(1)
        self._written: Counter[Path] = Counter()  # bytes since the last sweep of the folder

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> "Store":
        return cls(path_of(config["CACHE_URL"]), kwargs["default_timeout"])

    def get_many(self, *keys: str) -> list[Any]:
        read = next(self._reads)
        if read % SWEEP_EVERY == 0:
            self._sweep(self.folder / f"{read // SWEEP_EVERY % FOLDERS:02x}")
        return [self._read(self._name(key)) for key in keys]

    def set(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        seconds = normalize_timeout(timeout) or 0
        expiry = time.time() + seconds if seconds else float("inf")
        path = self._path(key)
        make_folder(path.parent)
        handle, draft = tempfile.mkstemp(dir=path.parent)
        try:
            with open(handle, "wb") as file:
                file.write(HEADER.pack(expiry) + value)
            moment = time.time_ns()  # finer than the clock of the file system
            os.utime(draft, ns=(moment, moment))
            os.replace(draft, path)
        except OSError:
            os.unlink(draft)
            raise
        self._written[path.parent] += len(value)
        if self._written[path.parent] > self.limit / FOLDERS / 4:
            self._sweep(path.parent)
            self._written[path.parent] = 0
        return True

    def add(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        path = self._path(key)
        with locked(path.parent, PATIENCE):
            return self._read(str(path)) is None and self.set(key, value, timeout)

    def delete_many(self, *keys: str) -> list[str]:
        for key in keys:
            self._path(key).unlink(missing_ok=True)
        return list(keys)

    def stats(self) -> dict[str, int]:
        """Files in the folder, expired ones included, and their bytes."""
        sizes = [path.stat().st_size for path in self.folder.glob("??/[0-9a-f]*")]
        return {"entries": len(sizes), "memory": sum(sizes)}

    def _path(self, key: str) -> Path:
        return Path(self._name(key))

    def _read(self, name: str) -> bytes | None:
        """The value in a file. If it is the file that was read before, its value is known."""
        try:
            held = self._held.get(name)
            if held is None or held.seen != _seen(os.stat(name)):
                held = self._hold(name)
        except FileNotFoundError:
            self._held.pop(name, None)
            return None
        return held.value if held.expiry > time.time() else None

    def _hold(self, name: str) -> "Held":
        with open(name, "rb", buffering=0) as file:
            seen, data = _seen(os.fstat(file.fileno())), file.read()
        held = Held(seen, _expiry(data), data[HEADER.size :])
        if self._size > HELD:
            self._held, self._size = {}, 0
        # A file system with coarse times could not tell two files of one moment.
        if held.seen[1] % 1000 and len(held.value) < HELD // 100:
            self._size += len(held.value) + SMALL
            self._held[name] = held
        return held

    def _sweep(self, folder: Path) -> None:
        values = []
        with suppress(FileNotFoundError):
            for path in folder.iterdir():
                with suppress(FileNotFoundError), path.open("rb") as file:  # others sweep, too
                    data, stat = file.read(HEADER.size), os.fstat(file.fileno())
                    if data and _expiry(data) <= time.time():
                        path.unlink()
                    elif stat.st_size > SMALL:
                        values.append((stat.st_mtime, stat.st_size, path))
        excess = sum(size for _, size, _ in values) - self.limit / FOLDERS
        for _, size, path in sorted(values)[:-1]:  # the newest one stays in any case
            if excess > 0:
                path.unlink(missing_ok=True)
                excess -= size


def _name(folder: Path, key: str) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return str(folder / digest[:2] / digest[2:])


def _seen(stat: os.stat_result) -> tuple[int, int, int]:
    """Tells a file from all others that had its name."""
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _expiry(data: bytes) -> float:
    """In seconds since the epoch; 0 for what is no whole file."""
    return float(HEADER.unpack_from(data)[0]) if len(data) >= HEADER.size else 0.0
