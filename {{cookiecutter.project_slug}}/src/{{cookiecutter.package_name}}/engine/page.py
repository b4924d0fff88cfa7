"""Pages: answers of a view that are the same for everybody, and HTTP's rules for keeping them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import flask.globals
from flask import Response, current_app, request

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

    def key(self) -> str:
        """A key that is different for each page of the view."""
        headers = {name: request.headers.get(name) for name in self.vary}
        arguments = {name: request.args.getlist(name) for name in self.args}
        # Not the URL: Werkzeug writes /%2561 and /%61 in the same way.
        place = request.scheme, request.host, request.root_path, request.path
        return json.dumps([place, arguments, headers])

    def bypassed(self) -> bool:
        """Whether the request skips the cache: it writes, or its answer may be personal."""
        return (
            request.method not in ("GET", "HEAD")
            or "Authorization" in request.headers
            or bool(request.content_length or "Transfer-Encoding" in request.headers)  # a body
            or session_touched()
        )

    def may_store(self, response: Response) -> bool:
        """Whether every visitor with the same `vary` headers may get this answer."""
        control = response.cache_control
        return (
            request.method == "GET"
            and response.status_code == 200
            and not response.is_streamed
            and not response.direct_passthrough
            and "Set-Cookie" not in response.headers
            and not (control.private or control.no_store or control.no_cache)
            and not expired(response)
            and response.vary.as_set() <= {name.lower() for name in self.vary}
            and "'nonce-" not in str(response.headers.getlist("Content-Security-Policy"))
            and not session_touched()
        )

    def public(self, response: Response, ttl: float, timeout: int, status: str) -> Response:
        """Send the page, fresh for `ttl` and at most `timeout` seconds; or 304 if it is known."""
        control = response.cache_control
        limits = [limit for limit in (control.max_age, self.max_age) if limit is not None]
        fresh = min(int(ttl // 1), timeout)
        control.public, control.max_age = True, min([max(fresh, 0), *limits])
        if self.stale and not limits:
            control.stale_while_revalidate = self.stale + min(fresh, 0)
        tell(response, status)
        return cast(Response, response.make_conditional(request))


def session_touched() -> bool:
    """Whether the request used the session, so that the answer may be personal."""
    session = _context.get()._session
    return session is not None and session.accessed


def keep_private(response: Response) -> Response:
    """For `app.after_request`: forbid caches on the way to keep a personal answer."""
    join_lines(response)
    personal = session_touched() or "Set-Cookie" in response.headers
    if personal and not response.cache_control.no_store:
        response.headers["Cache-Control"] = "private, no-cache"
    return response


def tell(response: Response, status: str) -> None:
    """Say in Cache-Status what the cache did (RFC 9211)."""
    name = current_app.config.get("CACHE_STATUS_NAME", current_app.name)
    name = name if name[0].isalpha() else f'"{name}"'  # a token or a string, RFC 8941
    response.headers["Cache-Status"] = f"{name}; {status}"


def response_of(value: Any) -> Response:
    """Make a response from the return value of a view."""
    response = current_app.make_response(value)
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
