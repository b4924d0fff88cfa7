"""Pages: answers of a view that are the same for everybody, and HTTP's rules for keeping them."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import flask.globals
from flask import Flask, Request, Response, current_app, request
from werkzeug.datastructures import Headers, ResponseCacheControl
from werkzeug.http import parse_cache_control_header, parse_date, parse_set_header

# Private names of Flask: reading `flask.session` would count as using the session, and no page
# could be cached. After Flask 3.1 one context holds the app, the request and the session.
_context: Any = getattr(flask.globals, "_cv_request", None) or flask.globals._cv_app


@dataclass(frozen=True)
class Page:
    """The rules of one cached view, as `Cache.page` documents them."""

    stale: int  # seconds
    args: tuple[str, ...]  # of the query string
    vary: tuple[str, ...]  # request headers
    max_age: int | None  # seconds that browsers may keep it; None is no limit

    def key(self, request: Request, method: str = "GET") -> str:
        """A key that is different for each page of the view."""
        headers = {name: request.headers.get(name) for name in self.vary}
        arguments = {name: request.args.getlist(name) for name in self.args}
        # Not the URL: Werkzeug writes /%2561 and /%61 in the same way.
        place = method, request.scheme, request.host, request.root_path, request.path
        return json.dumps([place, arguments, headers])

    def may_store(self, response: Response) -> bool:
        """Whether every visitor with the same `vary` headers may get this answer of the view."""
        return (
            request.method in ("GET", "HEAD")
            and response.status_code == 200
            and not response.is_streamed
            and not response.direct_passthrough
            and self.may_share(response.headers)
        )

    def may_share(self, headers: Headers) -> bool:
        """Whether the headers of an answer, and what it used, allow to give it to everybody.

        It is asked of the view's answer, and again of what is sent.
        """
        control = control_of(headers)
        return (
            "Set-Cookie" not in headers
            and not (control.private or control.no_store or control.no_cache)
            and not expired(headers)
            and parse_set_header(headers.get("Vary")).as_set()
            <= {"accept-encoding", *map(str.lower, self.vary)}
            and "'nonce-" not in str(headers.getlist("Content-Security-Policy"))
            and not session_touched()
        )

    def publish(self, response: Response, ttl: float, timeout: int, status: str) -> Response:
        """Let browsers and proxies keep the page for `ttl` and at most `timeout` seconds."""
        control = response.headers.get("Cache-Control", "")
        response.headers["Cache-Control"] = self.control(control, min(int(ttl // 1), timeout))
        tell(response.headers, status)
        return response

    @functools.lru_cache(4096)  # noqa: B019  # pages are as many as views
    def control(self, control: str, fresh: int) -> str:
        """The Cache-Control of a page that is fresh for so many seconds, from that of its view."""
        directives = control_of(Headers({"Cache-Control": control}))
        limits = [limit for limit in (directives.max_age, self.max_age) if limit is not None]
        directives.public, directives.max_age = True, min([max(fresh, 0), *limits])
        if self.stale and not limits:
            directives.stale_while_revalidate = self.stale + min(fresh, 0)
        return directives.to_header()


def bypassed() -> bool:
    """Whether the request skips the cache: it writes, or its answer may be personal."""
    return (
        request.method not in ("GET", "HEAD")
        or "Authorization" in request.headers
        or bool(request.content_length or "Transfer-Encoding" in request.headers)  # a body
        or session_touched()
    )


def session_touched() -> bool:
    """Whether the request used the session, so that the answer may be personal."""
    context = _context.get(None)
    session = context and context._session
    return session is not None and session.accessed


def keep_private(headers: Headers, *, personal: bool) -> None:
    """Forbid caches on the way to keep an answer that is personal, or partly said to be."""
    join_lines(headers)
    control = control_of(headers)
    forbidden = control.public and (control.private or control.no_cache)  # after the view
    if (personal or forbidden) and not control.no_store:
        headers["Cache-Control"] = "private, no-cache"


def control_of(headers: Headers) -> ResponseCacheControl:
    return parse_cache_control_header(headers.get("Cache-Control"), cls=ResponseCacheControl)


def conditional(response: Response) -> Response:
    """The answer, or 304 if the browser has it."""
    return cast(Response, response.make_conditional(request))


def tell(headers: Headers, status: str) -> None:
    """Say in Cache-Status what the cache did (RFC 9211)."""
    headers["Cache-Status"] = f"{status_name(current_app)}; {status}"


def status_name(app: Flask) -> str:
    """What Cache-Status calls the app: a token or a string (RFC 8941)."""
    name: str = app.config.get("CACHE_STATUS_NAME", app.name)
    return name if name[0].isalpha() else f'"{name}"'


def tell_refusal(headers: Headers, outcome: str) -> None:
    """Say that the cache did not keep this answer."""
    tell(headers, f"fwd={outcome}{'; detail=session' if session_touched() else ''}")


def answer_of(view: Callable[[], Any]) -> Response:
    """The answer of a view, changed by the functions that it gave to `after_this_request`."""
    functions = _context.get()._after_request_functions  # private: Flask would call them later
    before = len(functions)
    response = current_app.make_response(current_app.ensure_sync(view)())
    while len(functions) > before:
        response = current_app.ensure_sync(functions.pop(before))(response)
    join_lines(response.headers)
    return response


def join_lines(headers: Headers) -> None:
    """Write each list header on one line (RFC 9110, 5.3): Werkzeug reads only the first."""
    for name in ("Cache-Control", "Vary"):
        if len(lines := headers.getlist(name)) > 1:
            headers[name] = ", ".join(lines)


def expired(headers: Headers) -> bool:
    """Whether a header of HTTP/1.0 forbids to keep the answer."""
    expires = parse_date(headers.get("Expires")) or datetime.min.replace(tzinfo=UTC)  # no date
    past = "Expires" in headers and expires <= datetime.now(UTC)
    return past or "no-cache" in str(headers.getlist("Pragma")).lower()
