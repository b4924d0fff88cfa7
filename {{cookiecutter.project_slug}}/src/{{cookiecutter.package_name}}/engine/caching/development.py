"""While a service is developed, each edit shows at the next request.

The development server restarts when Python code changes, and entries of other code do not count.
Here the cache is emptied when another file of the package changes, a template for example, and by a
request with `Cache-Control: no-cache`, which a browser sends when it reloads without its own cache.
"""

from __future__ import annotations  # some names are there for type checkers only

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask

from ..middleware import Middleware

if TYPE_CHECKING:
    from .cache import Cache


def show_edits(app: Flask, cache: Cache) -> None:
    """Look at the package's files before each request."""
    folder = Path(app.root_path)
    times = _times(folder)

    def look(environ: Any) -> None:
        nonlocal times
        before, times = times, _times(folder)
        if times != before or "no-cache" in environ.get("HTTP_CACHE_CONTROL", ""):
            with app.app_context():
                cache.clear()

    Middleware.of(app).checks.append(look)


def _times(folder: Path) -> dict[Path, int]:
    """When the files were changed, in nanoseconds, by path."""
    times = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            with suppress(FileNotFoundError):  # an editor's own file, perhaps
                times[path] = path.stat().st_mtime_ns
    return times
