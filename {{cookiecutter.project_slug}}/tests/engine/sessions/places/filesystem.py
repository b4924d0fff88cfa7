"""A folder for each test. Without a server, an outage is one of the folder."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from .. import places

SCHEMES = ("file",)


class Place(places.Place):
    def url(self, folder: Callable[[], Path]) -> str:
        return (folder() / "sessions").as_uri()

    def way(self, url: str) -> places.Way:
        return Folder(url)


class Folder:
    """A file takes its place (closed), or somebody else holds its locks (hangs)."""

    def __init__(self, url: str) -> None:
        self.near_end = url
        self.path = Path(urlsplit(url).path)
        self.locks: list[int] = []

    def fail(self, state: str) -> None:
        self.path.mkdir(exist_ok=True)
        if state == "closed":
            self.path.rename(self.path.with_name("away"))
            self.path.touch()
        for folder in self.path.glob("*"):
            self.locks.append(os.open(folder, os.O_RDONLY))
            fcntl.flock(self.locks[-1], fcntl.LOCK_EX)

    def mend(self) -> None:
        while self.locks:
            os.close(self.locks.pop())
        if self.path.is_file():
            self.path.unlink()
            self.path.with_name("away").rename(self.path)

    end = mend
