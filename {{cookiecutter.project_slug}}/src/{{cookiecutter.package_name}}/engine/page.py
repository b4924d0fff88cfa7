"""Pages: answers of a view that are the same for everybody, and HTTP's rules for keeping them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import flask.globals
from flask import Flask, Response, current_app, request, request_finished

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

    def key(self, method: str = "GET") -> str:
        """A key that is different for each page of the view."""
        headers = {name: request.headers.get(name) for name in self.vary}
        arguments = {name: request.args.getlist(name) for name in self.args}
        # Not the URL: Werkzeug writes /%2561 and /%61 in the same way.
        place = method, request.scheme, request.host, request.root_path, request.path
        return json.dumps([place, arguments, headers])

    def bypassed(self) -> bool:
        """Whether the request skips the cache: it writes, or its answer may be personal."""
        return (
            request.method not in ("GET", "HEAD")
            or "Authorization" in request.headers
            or bool(request.content_length or "Transfer-Encoding" in request.headers)  # a body
            or session_touched()
        )

    def may_store(self, response: Response, *, sent: bool = False) -> bool:
        """Whether every visitor with the same `vary` headers may get this answer.

        It is asked of the view's answer, and again of what is `sent`, which may be a 304.
        """
        control = response.cache_control
        return (
            request.method in ("GET", "HEAD")
            and (response.status_code == 200 or (sent and response.status_code == 304))
            and not response.is_streamed
            and not response.direct_passthrough
            and "Set-Cookie" not in response.headers
            and not (control.private or control.no_store or control.no_cache)
            and not expired(response)
            and response.vary.as_set() <= {"accept-encoding", *map(str.lower, self.vary)}
            and "'nonce-" not in str(response.headers.getlist("Content-Security-Policy"))
            and not session_touched()
        )

    def publish(self, response: Response, ttl: float, timeout: int, status: str) -> Response:
        """Let browsers and proxies keep the page for `ttl` and at most `timeout` seconds."""
        control = response.cache_control
        limits = [limit for limit in (control.max_age, self.max_age) if limit is not None]
        fresh = min(int(ttl // 1), timeout)
        control.public, control.max_age = True, min([max(fresh, 0), *limits])
        if self.stale and not limits:
            control.stale_while_revalidate = self.stale + min(fresh, 0)
        tell(response, status)
        return response


def session_touched() -> bool:
    """Whether the request used the session, so that the answer may be personal."""
    session = _context.get()._session
    return session is not None and session.accessed


def guard(app: Flask) -> None:
    """Have the last word on every answer of the app, after all its `after_request` functions.

    Caches on the way must not keep a personal answer. Only now is it known whether it is one.
    """
    request_finished.connect(_keep_private, app)


def _keep_private(_: Flask, response: Response, **__: Any) -> None:
    join_lines(response)
    control = response.cache_control
    forbidden = control.public and (control.private or control.no_cache)  # after the view
    personal = session_touched() or "Set-Cookie" in response.headers or forbidden
    if personal and not control.no_store:
        response.headers["Cache-Control"] = "private, no-cache"


def conditional(response: Response) -> Response:
    """The answer, or 304 if the browser has it."""
    return cast(Response, response.make_conditional(request))


def tell(response: Response, status: str) -> None:
    """Say in Cache-Status what the cache did (RFC 9211)."""
    name = current_app.config.get("CACHE_STATUS_NAME", current_app.name)
    name = name if name[0].isalpha() else f'"{name}"'  # a token or a string, RFC 8941
    response.headers["Cache-Status"] = f"{name}; {status}"


def tell_refusal(response: Response, outcome: str) -> None:
    """Say that the cache did not keep this answer."""
    tell(response, f"fwd={outcome}{'; detail=session' if session_touched() else ''}")


def answer_of(view: Callable[[], Any]) -> Response:
    """The answer of a view, changed by the functions that it gave to `after_this_request`."""
    functions = _context.get()._after_request_functions  # private: Flask would call them later
    before = len(functions)
    response = current_app.make_response(current_app.ensure_sync(view)())
    while len(functions) > before:
        response = current_app.ensure_sync(functions.pop(before))(response)
    join_lines(response)
    return response


def join_lines(response: Response) -> None:
    """Write each list header on one line (RFC 9110, 5.3): Werkzeug reads only the first."""
    for name in ("Cache-Control", "Vary"):
        if len(lines := response.headers.getlist(name)) > 1:
            response.headers[name] = ", ".join(lines)


def expired(response: Response) -> bool:
    """Whether a header of HTTP/1.0 forbids to keep the answer."""
    expires = response.expires or datetime.min.replace(tzinfo=UTC)  # if it is not a date
    past = "Expires" in response.headers and expires <= datetime.now(UTC)
    return past or "no-cache" in str(response.headers.getlist("Pragma")).lower()
