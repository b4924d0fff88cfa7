"""The store of an app under test: what it is asked, what it holds, and how it fails."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from ..visitor import Visitor


class Counted:
    """A store that notes what it is asked."""

    def __init__(self, app: Flask) -> None:
        interface: Any = app.session_interface
        self.store, interface.store = interface.store, self
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.store, name)
        if name not in ("load", "create", "replace", "delete"):
            return found

        def noted(*arguments: Any) -> Any:
            self.calls.append(name)
            return found(*arguments)

        return noted

    def of(self, work: Callable[[], object]) -> list[str]:
        """The operations during the work."""
        self.calls.clear()
        work()
        return self.calls.copy()


def store_of(app: Flask) -> Any:
    interface: Any = app.session_interface
    return interface.store


def key(visitor: Visitor) -> str:
    """Under which the store has the visitor's session."""
    interface: Any = visitor.app.session_interface
    sid = (visitor.cookie or "").partition(".")[0]
    return f"{interface.key_prefix}{hashlib.sha256(sid.encode()).hexdigest()}"


def stored(visitor: Visitor) -> Any:
    return store_of(visitor.app).load(key(visitor))


@contextmanager
def failing(operation: str, app: Flask) -> Iterator[None]:
    """The store fails at it until the end of the block."""
    store = store_of(app)

    def fail(*_: object) -> None:
        raise store.errors[0]("of a test")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, operation, fail)
        yield
