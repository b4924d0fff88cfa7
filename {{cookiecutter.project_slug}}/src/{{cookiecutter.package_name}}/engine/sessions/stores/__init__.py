"""Session stores. Each module here has SCHEMES, its URL schemes, and a class `Store`."""

from typing import Protocol

from ...speakers import check, speaker

ROOM = 0.9  # of a store, for new sessions: the rest is for changes of those that exist


class Store(Protocol):
    """Bytes under keys. Their lifetime starts again with each write, in some stores with each read.

    An operation takes 0.4 s at most, then raises one of `errors`. Making a store connects nothing,
    so that a service starts while its store is down.
    """

    errors: tuple[type[Exception], ...]
    spread: bool = False  # whether several servers share the keys

    def load(self, key: str) -> bytes | None: ...

    def create(self, key: str, data: bytes) -> None:
        """Store under a new key."""

    def replace(self, key: str, old: bytes, new: bytes) -> bool:
        """Compare and set: store `new` if `old`, from `load`, is still there. Returns whether."""

    def delete(self, key: str) -> None: ...

    def used(self) -> float:
        """The part of the store that is used, from 0 to 1; 0 if it cannot tell, or makes room."""
        return 0.0


def check_url(url: str) -> None:
    """Raise ValueError, with the end of a sentence, for a SESSION_URL that no store here takes."""
    check(__name__, url)


def open_store(url: str, lifetime: int) -> Store:
    """The store at the URL, for sessions that live `lifetime` seconds after their last use.

    Raises ValueError with a sentence for a URL that no store here takes.
    """
    store: Store = speaker(__name__, url).Store(url, lifetime)
    return store
