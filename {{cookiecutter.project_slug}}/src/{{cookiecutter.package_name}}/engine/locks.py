"""Folders at `file:` URLs, and their locks."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .files import make_folder


def path_of(url: str) -> Path:
    """The absolute path that a `file:` URL names; relative ones begin in the working folder."""
    return Path(url2pathname(urlsplit(url).path)).absolute()


@contextmanager
def locked(folder: Path, patience: float) -> Iterator[None]:
    """One process at a time, until the block ends or the process dies.

    Raises TimeoutError if others keep the lock for `patience` seconds.
    """
    make_folder(folder)
    handle = os.open(folder, os.O_RDONLY)
    deadline = time.monotonic() + patience
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
