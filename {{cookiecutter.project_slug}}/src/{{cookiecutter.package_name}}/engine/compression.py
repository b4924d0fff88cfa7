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
from werkzeug.wsgi import ClosingIterator

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
    control = found.get("cache-control", "")
    if "public" not in control or "no-transform" in control or "content-encoding" in found:
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
    has = environ.get("HTTP_IF_NONE_MATCH", "") if status[:3] == "304" else ""
    headers = [
        (name, _weak(value, has) if name.lower() == "etag" else value) for name, value in headers
    ]
    if status[:3] == "304":
        return _without("content-length", headers), body
    headers = _without("content-length", _without("accept-ranges", headers))
    headers.append(("Content-Encoding", "gzip"))
    if environ["REQUEST_METHOD"] == "HEAD":
        return headers, body
    packed, body = _packed(body)
    return [*headers, ("Content-Length", str(len(packed)))], body


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


def _packed(body: Iterable[bytes]) -> tuple[bytes, Iterable[bytes]]:
    """The body in gzip's form. What it wants to do at its end, it does after it was sent."""
    close: Any = getattr(body, "close", None)
    if not close:
        return (packed := pack(b"".join(body))), (packed,)
    try:
        packed = pack(b"".join(body))
    except BaseException:
        close()
        raise
    return packed, ClosingIterator((packed,), close)


def _weak(etag: str, has: str) -> str:
    """The ETag of the other form, unless the browser has the one that was not compressed."""
    weak = etag if etag.startswith("W/") else f"W/{etag}"
    return etag if etag in has and weak not in has else weak


def _vary(headers: list[Line]) -> str:
    given = ", ".join(value for name, value in headers if name.lower() == "vary")
    known = "accept-encoding" in given.lower()
    return given if known else ", ".join(filter(None, [given, "Accept-Encoding"]))


def _without(name: str, headers: list[Line]) -> list[Line]:
    return [header for header in headers if header[0].lower() != name]
