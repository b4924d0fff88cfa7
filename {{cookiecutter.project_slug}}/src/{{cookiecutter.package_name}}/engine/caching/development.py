"""While a service is developed, each edit shows at the next request.

The development server restarts when Python code changes, and entries of other code do not count.
Here the cache is emptied when another file of the package changes, a template for example, and by a
request with `Cache-Control: no-cache`, which a browser sends when it reloads without its own cache.
"""

from __future__ import annotations  # some names are there for type checkers only

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from flask import Flask

from ..middleware import Middleware

if TYPE_CHECKING:
    from .cache import Cache


def show_edits(app: Flask, cache: Cache) -> None:
    """Look at the package's files before each request."""
    times = _times(app.root_path)

    def look(environ: Any) -> None:
        nonlocal times
        before, times = times, _times(app.root_path)
        if times != before or "no-cache" in environ.get("HTTP_CACHE_CONTROL", ""):
            with app.app_context():
                cache.clear()

    Middleware.of(app).checks.append(look)


def _times(folder: str) -> dict[str, int]:
    """When the files were changed, in nanoseconds, by path. Each request waits for this."""
    times: dict[str, int] = {}
    for entry in os.scandir(folder):
        if entry.is_dir() and entry.name != "__pycache__":
            times |= _times(entry.path)
        elif entry.is_file() and not entry.name.endswith(".py"):
            with suppress(FileNotFoundError):  # an editor's own file, perhaps
                times[entry.path] = entry.stat().st_mtime_ns
    return times
