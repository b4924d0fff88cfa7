"""Static files: each URL has a fingerprint of the file, so browsers keep it and need not ask."""

from __future__ import annotations  # some names are there for type checkers only

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.security import safe_join

from .middleware import Middleware, current

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ARGUMENT = "v"  # of the URL
FOR_A_YEAR = "public, max-age=31536000, immutable"


def init_static(app: Flask) -> None:
    """Have `url_for` add fingerprints, for the static files of the app and of its blueprints.

    A file that is asked for without its fingerprint, or with an old one, is sent as Flask does it.
    """

    @app.url_defaults
    def add_fingerprint(endpoint: str, values: dict[str, Any]) -> None:
        if _is_static(endpoint) and (found := fingerprint_of(app, endpoint, values["filename"])):
            values[ARGUMENT] = found

    def look(environ: WSGIEnvironment) -> None:
        visit = current.get()
        if visit and f"{ARGUMENT}=" in environ.get("QUERY_STRING", ""):
            visit.decisions.append(functools.partial(_keep, app, environ))

    Middleware.of(app).checks.append(look)


def fingerprint_of(app: Flask, endpoint: str, filename: str) -> str | None:
    """Of a file's bytes, or None if there is no such file."""
    scaffold = app.blueprints.get(endpoint.rpartition(".")[0], app)
    path = safe_join(str(scaffold.static_folder), filename)
    try:
        return _fingerprint(path, Path(path).stat().st_mtime_ns) if path else None
    except OSError:
        return None


@functools.lru_cache(1000)
def _fingerprint(path: str, _: int) -> str:  # an edit gives another time, and so another one
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=6).hexdigest()


def _keep(app: Flask, environ: WSGIEnvironment, status: int | None, headers: Headers) -> None:
    request: Any = environ.get("werkzeug.request")
    if status not in (200, 304) or not request or not _is_static(request.endpoint or ""):
        return
    if fingerprint_of(app, request.endpoint, **request.view_args) == request.args.get(ARGUMENT):
        headers["Cache-Control"] = FOR_A_YEAR


def _is_static(endpoint: str) -> bool:
    return endpoint.rpartition(".")[2] == "static"
