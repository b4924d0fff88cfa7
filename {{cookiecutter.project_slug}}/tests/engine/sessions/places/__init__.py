"""Where the tests keep sessions: in the store of SESSION_URL, apart from what else is there.

A store that needs more than a key prefix for that has a module here, with its SCHEMES and a class
`Place`.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ...hub import speakers, stores
from ...line import Line


class Way(Protocol):
    """What lies between the service and its store."""

    @property
    def near_end(self) -> str:
        """The URL for the service."""

    def fail(self, state: str) -> None:
        """From now on the store is `closed`, or `hangs`."""

    def mend(self) -> None: ...

    def end(self) -> None: ...


class Place:
    """A server. The tests share one store, so that not each has to connect."""

    def __init__(self, given: str, folder: Path) -> None:
        self.given = given
        self.open_store = functools.cache(stores.open_store)

    def url(self, folder: Callable[[], Path]) -> str:
        """The store's, for a test that can have a folder to itself."""
        return self.given

    def way(self, url: str) -> Way:
        return Line(url)

    def close(self) -> None:
        """Leave nothing behind."""
        self.open_store.cache_clear()


def open_place(given: str, folder: Path) -> Place:
    module = speakers.speakers(__name__).get(given.partition(":")[0])
    place: Place = module.Place(given, folder) if module else Place(given, folder)
    return place
