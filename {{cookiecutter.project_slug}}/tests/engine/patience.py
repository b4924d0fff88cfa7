"""On a busy machine an answer takes long: no outage, where a test is not about waiting."""

import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import pytest

from .hub import engine


@contextmanager
def patience() -> Iterator[None]:
    """The service waits for its backends as long as it takes, and probes for ten seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for found in pkgutil.walk_packages(engine.__path__, f"{engine.__name__}."):
            module = import_module(found.name)
            if hasattr(module, "TIMEOUTS"):
                patch.setattr(module, "TIMEOUTS", {})
            if hasattr(module, "PATIENCE"):
                patch.setattr(module, "PATIENCE", 10)
        yield
