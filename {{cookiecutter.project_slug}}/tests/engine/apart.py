"""What keeps a service under test apart from other services, and from a busy machine."""

import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .hub import engine


@contextmanager
def patience() -> Iterator[None]:
    """A slow answer is no outage: the service waits for its backends as long as it takes."""
    with pytest.MonkeyPatch.context() as patch:
        for found in pkgutil.walk_packages(engine.__path__, f"{engine.__name__}."):
            module = import_module(found.name)
            if hasattr(module, "TIMEOUTS"):
                patch.setattr(module, "TIMEOUTS", {})
            if hasattr(module, "PATIENCE"):
                patch.setattr(module, "PATIENCE", 10)
        yield


def own_files(settings: Mapping[str, Any], folder: Path) -> dict[str, object]:
    """The settings whose URLs name a file or a folder, with one in this folder instead."""
    given = {name: settings[name].get_secret_value() for name in settings if name.endswith("_url")}
    urls = {name: urlsplit(url) for name, url in given.items()}
    return {
        name.upper(): f"{url.scheme}:///{folder / name}"
        for name, url in urls.items()
        if url.path and not url.netloc and not Path(url.path).is_socket()
    }
