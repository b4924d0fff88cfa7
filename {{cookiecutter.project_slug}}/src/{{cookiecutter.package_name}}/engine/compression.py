"""Compresses what is the same for everybody, pages and static files, unless a proxy did so.

Personal answers are sent as they are: the length of a compressed one tells something about what is
in it (the attack is called BREACH).
"""

from __future__ import annotations  # some names are there for type checkers only

import functools
import gzip
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.http import parse_accept_header

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Line = tuple[str, str]

LEAST = 1024  # bytes: less fits into one packet anyway
MOST = 1024 * 1024  # bytes
HELD = 16 * 1024 * 1024  # bytes of pages that need not be compressed again

is_text = re.compile(r"text/|application/(.+\+)?json|application/javascript|image/svg\+xml").match
_held: dict[bytes, bytes] = {}


def may_compress(status: str, headers: list[Line]) -> bool:
    """Whether the answer has a compressed form, or says that the browser has it already."""
    found = {name.lower(): value for name, value in headers}
    if "public" not in found.get("cache-control", "") or "content-encoding" in found:
        return False
    size = int(found.get("content-length", 0))
    of_use = LEAST <= size <= MOST and is_text(found.get("content-type", ""))
    return status[:3] == "304" or (status[:3] == "200" and bool(of_use))


def compress(
    environ: WSGIEnvironment, status: str, headers: list[Line], body: Iterable[bytes]
) -> tuple[list[Line], Iterable[bytes]]:
    """The headers and the body as the client takes them. `may_compress` was true before."""
    headers = [*_without("vary", headers), ("Vary", _vary(headers))]
    if not takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
        return headers, body
    # The two forms have different bytes, and so no strong validator in common (RFC 9110, 8.8.1).
    headers = [(name, _weak(value) if name.lower() == "etag" else value) for name, value in headers]
    if status[:3] == "304" or environ["REQUEST_METHOD"] == "HEAD":
        return _without("content-length", headers), body
    packed = pack(_joined(body))
    headers = _without("content-length", _without("accept-ranges", headers))
    headers += [("Content-Length", str(len(packed))), ("Content-Encoding", "gzip")]
    return headers, (packed,)


def pack(data: bytes) -> bytes:
    """The data in gzip's form: always the same bytes."""
    if packed := _held.get(data):
        return packed
    if sum(map(len, _held)) > HELD:
        _held.clear()
    packed = _held[data] = gzip.compress(data, 6, mtime=0)
    return packed


@functools.lru_cache
def takes_gzip(accepted: str) -> bool:
    return parse_accept_header(accepted).quality("gzip") > 0


def _joined(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        if close := getattr(body, "close", None):
            close()


def _weak(etag: str) -> str:
    return etag if etag.startswith("W/") else f"W/{etag}"


def _vary(headers: list[Line]) -> str:
    given: Any = [value for name, value in headers if name.lower() == "vary"]
    return ", ".join([*given, "Accept-Encoding"])


def _without(name: str, headers: list[Line]) -> list[Line]:
    return [header for header in headers if header[0].lower() != name]
