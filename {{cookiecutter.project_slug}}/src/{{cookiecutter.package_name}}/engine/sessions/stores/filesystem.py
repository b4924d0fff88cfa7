"""Sessions in files, in the folder that SESSION_URL names: for the processes of one host."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .. import stores

SCHEMES = ("file",)
PATIENCE = 0.3  # seconds, for a lock


class Store(stores.Store):
    """A file for each session, spread over 256 folders. Its modification time is its last use.

    A reader sees the old data or the new, never a part. Writers take turns: they lock the folder.
    """

    errors = (OSError,)

    def __init__(self, url: str, lifetime: int) -> None:
        self._root = Path(url2pathname(urlsplit(url).path)).absolute()
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

    def ping(self) -> None:
        with self._lock(self._root):
            pass

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

    @contextmanager
    def _lock(self, folder: Path) -> Iterator[None]:
        """One process at a time, until the block ends or the process dies. Raises TimeoutError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        deadline = time.monotonic() + PATIENCE
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{folder} is locked") from None
                    time.sleep(0.001)
            yield
        finally:
            os.close(handle)
