"""What every request gets: a thin layer around Flask, and in front of its hooks.

It gives each request an id, adds headers to the answer, and has the last word on its privacy, in
whatever order the functions of the app are registered. Then it shows the answer to its watchers,
which log and count it. In development `Server-Timing` says where the time went.
"""

from __future__ import annotations  # some names are there for type checkers only

import random
import re
import time
from collections.abc import Callable, Container, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from .compression import compress, may_compress
from .page import keep_private, session_touched

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Answer = tuple[str, list[tuple[str, str]], Iterable[bytes]]

usable_id = re.compile(r"[A-Za-z0-9._:-]{8,128}").fullmatch


class Visit:
    """One request, and its answer as soon as it begins to be sent."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.begun = time.perf_counter()
        self.environ = environ
        given = environ.get("HTTP_X_REQUEST_ID", "")
        own = f"{random.getrandbits(128):032x}"  # it is no secret
        self.request_id = given if given and usable_id(given) else own
        self.noted: dict[str, object] = {}  # for the log line
        self.spent: dict[str, float] = {}  # seconds, by the backend that was asked
        self.decisions: list[Decision] = []  # called as the answer is sent, or with status None
        self.endpoint: str | None = None
        self.status = 0
        self.seconds = 0.0  # until the answer began

    def spend(self, backend: str, seconds: float) -> None:
        self.spent[backend] = self.spent.get(backend, 0.0) + seconds

    def timing(self, cache_status: str) -> str:
        """For the header Server-Timing: milliseconds by backend, and what the cache did."""
        rest = "service" if self.noted.get("cache") == "hit" else "view"  # which a hit does not run
        parts = {**self.spent, rest: self.seconds - sum(self.spent.values())}
        if "cache" in self.noted:
            parts = {f'cache;desc="{cache_status}"': parts.pop("cache", 0.0), **parts}
        return ", ".join(f"{name};dur={1000 * spent:.1f}" for name, spent in parts.items())


Decision = Callable[[int | None, Headers], object]
current: ContextVar[Visit | None] = ContextVar("visit", default=None)


class Middleware:
    """Wraps the WSGI application of an app. `of` makes it once."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.inner = app.wsgi_app
        self.checks: list[Callable[[WSGIEnvironment], object]] = []  # may raise an HTTPException
        self.front: Callable[[Visit], Answer | None] = lambda _: None  # may answer before Flask
        self.watchers: list[Callable[[Visit], object]] = []
        self._headers: list[tuple[str, tuple[str, str]]] = []
        app.wsgi_app = self  # type: ignore[method-assign]
        app.extensions["middleware"] = self

    @classmethod
    def of(cls, app: Flask) -> Middleware:
        return app.extensions.get("middleware") or cls(app)

    def add_headers(self, headers: dict[str, str]) -> None:
        """Add headers to all answers that do not have them."""
        self._headers += [(name.lower(), (name, value)) for name, value in headers.items()]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        visit = Visit(environ)
        token = current.set(visit)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            visit.endpoint = getattr(environ.get("werkzeug.request"), "endpoint", None)
            names = {name.lower(): value for name, value in headers}
            personal = "set-cookie" in names or session_touched()
            twofold = len(names) < len(headers) or "public" in names.get("cache-control", "")
            if personal or twofold or visit.decisions:
                headers = _decided(visit, status, headers, personal=personal)
            self._begin(visit, status, headers, names)
            if not late and may_compress(status, headers):
                waiting[:] = [(status, headers)]
                return None  # WSGI's `write` is for frameworks older than Flask
            waiting.clear()
            return start_response(status, headers, *error)

        waiting: list[tuple[str, list[tuple[str, str]]]] = []  # for the body
        late: list[bool] = []  # too late to wait: a generator begins when it is asked for the body
        if environ.get("HTTP_IF_RANGE", "").lstrip().startswith("W/"):
            environ.pop("HTTP_RANGE", None)  # Werkzeug compares it as if it were strong
        try:
            try:
                for check in self.checks:
                    check(environ)
            except HTTPException as error:
                late.append(True)
                return self._refuse(error, environ, start)
            if answer := self.front(visit):
                status, headers, body = answer
                names = {name.lower() for name, _ in headers}
                self._begin(visit, status, headers, names)
                if not may_compress(status, headers):
                    start_response(status, headers)
                    return body
                waiting.append((status, headers))
            else:
                body = self.inner(environ, start)
                late.append(True)
            for status, headers in waiting:
                headers, body = compress(environ, status, headers, body)
                start_response(status, headers)
            return body
        finally:
            while visit.decisions:
                visit.decisions.pop()(None, Headers())  # nothing was sent
            current.reset(token)

    def _refuse(
        self, error: HTTPException, environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        """What the app answers to an error."""
        with self.app.request_context(environ):
            response = self.app.make_response(self.app.handle_user_exception(error))
            return response(environ, start)

    def _begin(
        self, visit: Visit, status: str, headers: list[tuple[str, str]], names: Container[str]
    ) -> None:
        headers += [header for name, header in self._headers if name not in names]
        headers.append(("X-Request-ID", visit.request_id))
        visit.status = int(status[:3])
        visit.seconds = time.perf_counter() - visit.begun
        if self.app.debug:
            _, _, status = Headers(headers).get("Cache-Status", "").partition("; ")
            headers.append(("Server-Timing", visit.timing(status)))
        for watch in self.watchers:
            watch(visit)


def _decided(
    visit: Visit, status: str, headers: list[tuple[str, str]], *, personal: bool
) -> list[tuple[str, str]]:
    """The headers, made safe for the caches on the way, after all decisions about the answer."""
    sent = Headers(headers)
    keep_private(sent, personal=personal)
    while visit.decisions:
        visit.decisions.pop()(int(status[:3]), sent)
    return list(sent)
