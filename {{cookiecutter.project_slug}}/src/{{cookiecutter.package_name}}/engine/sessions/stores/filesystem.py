"""Sessions in files, in the folder that SESSION_URL names: for the processes of one host."""

import os
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from ...files import make_folder
from ...locks import locked, path_of
from .. import stores

SCHEMES = ("file",)
PATIENCE = 0.3  # seconds, for a lock
RESERVE = 64 * 1024 * 1024  # bytes of the disk, for changes of sessions that exist


class Store(stores.Store):
    """A file for each session, spread over 256 folders. Its modification time is its last use.

    A reader sees the old data or the new, never a part. Writers take turns: they lock the folder.
    """

    errors = (OSError,)

    def __init__(self, url: str, lifetime: int) -> None:
        self._root = path_of(url)
        self._lifetime = lifetime  # seconds

    def load(self, key: str) -> bytes | None:
        try:
            with self._path(key).open("rb") as file:
                if self._expired(os.stat(file.fileno())):
                    return None
                os.utime(file.fileno())
                return file.read()
        except FileNotFoundError:
            return None

    def create(self, key: str, data: bytes) -> None:
        with self._lock(self._path(key).parent):
            self._write(key, data)

    def replace(self, key: str, old: bytes, new: bytes) -> bool:
        with self._lock(self._path(key).parent):
            there = self.load(key) == old
            if there:
                self._write(key, new)
            return there

    def delete(self, key: str) -> None:
        with self._lock(self._path(key).parent):
            self._path(key).unlink(missing_ok=True)

    def used(self) -> float:
        make_folder(self._root)
        disk = os.statvfs(self._root)
        return float(disk.f_bavail * disk.f_frsize < RESERVE)

    def prune(self) -> int:
        """Remove the expired files. Returns their number."""
        removed = 0
        for folder in self._root.glob("??"):
            with suppress(TimeoutError), self._lock(folder):  # a busy folder waits for the next run
                for path in folder.iterdir():
                    if self._expired(path.stat()):
                        path.unlink()
                        removed += 1
        return removed

    def _path(self, key: str) -> Path:
        return self._root / key[-2:] / key

    def _expired(self, stat: os.stat_result) -> bool:
        return stat.st_mtime + self._lifetime < time.time()

    def _write(self, key: str, data: bytes) -> None:
        """The caller holds the lock, so the new file may have the same name for every session."""
        path = self._path(key)
        new = path.with_name("new")
        with open(new, "wb", opener=lambda name, flags: os.open(name, flags, mode=0o600)) as file:
            file.write(data)
        new.replace(path)

    def _lock(self, folder: Path) -> AbstractContextManager[None]:
        return locked(folder, PATIENCE)
