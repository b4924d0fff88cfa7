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
from .page import control_of

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
        if found := fingerprint_of(app, endpoint, values.get("filename")):
            values.setdefault(ARGUMENT, found)

    def look(environ: WSGIEnvironment) -> None:
        visit = current.get()
        if visit and f"{ARGUMENT}=" in environ.get("QUERY_STRING", ""):
            visit.decisions.append(functools.partial(_keep, app, environ))

    Middleware.of(app).checks.append(look)


def fingerprint_of(app: Flask, endpoint: str, filename: Any) -> str | None:
    """Of a file's bytes, or None if there is no such file, or if the endpoint sends no files."""
    owner, _, name = endpoint.rpartition(".")
    scaffold = app.blueprints.get(owner) if owner else app
    folder = scaffold.static_folder if scaffold and name == "static" else None
    path = safe_join(folder, filename) if folder and isinstance(filename, str) else None
    try:
        return _fingerprint(path, *_state(path)) if path else None
    except (OSError, ValueError):  # a name may hold what no file's name can
        return None


def _state(path: str) -> tuple[int, int, int]:
    found = Path(path).stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


@functools.lru_cache(1000)
def _fingerprint(path: str, *_: int) -> str:  # an edit gives another state, and so another one
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=6)).hexdigest()


def _keep(app: Flask, environ: WSGIEnvironment, status: int | None, headers: Headers) -> None:
    request: Any = environ.get("werkzeug.request")
    if status not in (200, 304) or not request or not request.endpoint:
        return
    control = control_of(headers)
    personal = control.private or control.no_store or "Set-Cookie" in headers
    if personal or "HTTP_AUTHORIZATION" in environ:
        return  # a function of the app guards its files, or gives each visitor a cookie
    found = fingerprint_of(app, request.endpoint, request.view_args.get("filename"))
    if found and found == request.args.get(ARGUMENT):
        headers["Cache-Control"] = FOR_A_YEAR
