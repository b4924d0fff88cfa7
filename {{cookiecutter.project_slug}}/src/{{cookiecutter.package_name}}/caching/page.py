"""Caching whole pages: what is the same for everyone, and nothing else."""

import functools
import json
import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Response, abort, current_app, request
from flask.globals import request_ctx

from .decorators import Decorators
from .entries import MONTH, Entry
from .flight import Flight
from .values import Timeout

SLUG = "{{ cookiecutter.project_slug }}"
NAME = SLUG if SLUG[0].isalpha() else f'"{SLUG}"'  # in Cache-Status: a token or a string, RFC 8941

View = TypeVar("View", bound=Callable[..., Any])


class Cache(Decorators):
    """Values, functions and whole pages."""

    def page(
        self,
        timeout: Timeout = None,
        *,
        stale: int = 0,
        tags: tuple[str, ...] = (),
        args: tuple[str, ...] = (),
        vary: tuple[str, ...] = (),
        max_age: int | None = None,
    ) -> Callable[[View], View]:
        """Cache a view: one entry for each host, path, value of the query arguments `args` and of
        the request headers `vary`. Put it under the route, above everything else.

        Stored are answers to GET with status 200 that touched no session, set no cookie, vary on
        nothing else, and are not streamed, private, no-cache or no-store; everything else passes.
        Requests with Authorization, or that touched the session before, bypass the cache. For
        `stale` seconds after the timeout the old page is served while one request computes the new
        one, and when that fails.

        Browsers and proxies may keep the page as long as it is fresh or stale here, and there no
        invalidation reaches it. `max_age` seconds are the most that they may: 0, which is what a
        page kept for good has, has them ask every time, which costs a 304.
        """

        def decorate(view: View) -> View:
            @functools.wraps(view)
            def answer(*view_args: Any, **view_kwargs: Any) -> Response:
                headers = {name: request.headers.get(name) for name in vary}
                asked = {name: request.args.getlist(name) for name in args}
                # Not its URL, which Werkzeug writes in one way for /%2561 and for /%61.
                place = request.scheme, request.host, request.root_path, request.path
                key = json.dumps([place, asked, headers])
                bypass = (
                    request.method not in ("GET", "HEAD")
                    or "Authorization" in request.headers
                    or session_touched()
                )
                with Flight(self, key, tags, stale) as flight:
                    if bypass or not flight.board():
                        made = current_app.ensure_sync(view)(*view_args, **view_kwargs)
                        response = current_app.make_response(made)
                        response.vary.update(vary)
                        if bypass or not storable(response, vary):
                            detail = "; detail=session" if session_touched() else ""
                            _status(response, f"fwd={flight.outcome}{detail}")
                            if response.status_code >= 500:
                                abort(response)  # unless there is a stale page
                            if request.method == "HEAD":  # of which GET's answer may differ
                                flight.release()
                            return response
                        response.add_etag()
                        page = response.get_data(), [*response.headers]
                        response.close()
                        flight.land(page, self.seconds(timeout))
                for_good = self.seconds(timeout) >= MONTH
                return _restore(flight, 0 if for_good and max_age is None else max_age)

            return cast(View, answer)

        return decorate


def storable(response: Response, vary: tuple[str, ...]) -> bool:
    """Whether everybody whose `vary` headers are the same may get this answer to the request."""
    control = response.cache_control
    return (
        request.method == "GET"
        and response.status_code == 200
        and not response.is_streamed
        and not response.direct_passthrough
        and "Set-Cookie" not in response.headers
        and not (control.private or control.no_store or control.no_cache)
        and response.vary.as_set() <= {name.lower() for name in vary}
        and not session_touched()
    )


def session_touched() -> bool:
    """Whether the answer may depend on who asks."""
    session = request_ctx._session
    return session is not None and session.accessed


def keep_private(response: Response) -> Response:
    """After every request: no cache on the way may keep what is one visitor's."""
    personal = session_touched() or "Set-Cookie" in response.headers
    if personal and not response.cache_control.no_store:
        response.headers["Cache-Control"] = "private, no-cache"
    return response


def _restore(flight: Flight, max_age: int | None) -> Response:
    """The page, or 304 when the browser has it."""
    entry = cast(Entry, flight.entry)
    body, headers = entry.value
    response = current_app.response_class(body, headers=headers)
    ttl = math.floor(entry.ttl)
    if flight.outcome in ("hit", "stale"):
        detail = "; detail=stale" if flight.outcome == "stale" else ""
        _status(response, f"hit; ttl={ttl}{detail}")
    else:
        _status(response, "fwd=miss; stored" if flight.stored else f"fwd={flight.outcome}")
    control = response.cache_control
    limits = [limit for limit in (control.max_age, max_age) if limit is not None]
    control.public, control.max_age = True, min([max(ttl, 0), *limits])
    if flight.stale and not limits:
        control.stale_while_revalidate = flight.stale + min(ttl, 0)
    return cast(Response, response.make_conditional(request))


def _status(response: Response, what: str) -> None:
    response.headers["Cache-Status"] = f"{NAME}; {what}"
