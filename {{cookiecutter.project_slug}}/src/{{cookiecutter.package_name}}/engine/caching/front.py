"""Answers fresh pages in front of Flask, whose own part of a request takes most of its time.

It knows the pages that went through Flask before, and asks the store as `Cache.page` does. Misses,
stale pages and everything else go on into Flask. So does every page that a function of the app may
have a say in (`_holds_back`).
"""

import functools
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import flask.signals
from flask import Flask, Request, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.http import http_date, is_resource_modified, remove_entity_headers

from ..middleware import Answer, Middleware, Visit
from ..page import Page, status_name
from .entries import Entries, Entry, Names
from .flight import Unstorable
from .metrics import count

MOST = 10_000  # pages that are known at a time
HELD = 16 * 1024 * 1024  # bytes of pages whose signature need not be checked again
SEEN = "engine.caching.seen"  # in the environ of a request
CONVERTERS = "werkzeug.routing.converters"
# With these in the environ of a request, Flask decides.
RARE = {
    "HTTP_AUTHORIZATION",
    "HTTP_IF_MATCH",
    "HTTP_IF_RANGE",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_RANGE",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_UPGRADE",
    "werkzeug.debug.preserve_context",  # a test that looks at the request afterwards
}
SIGNALS = (
    flask.signals.appcontext_pushed,
    flask.signals.appcontext_popped,
    flask.signals.appcontext_tearing_down,
    flask.signals.request_started,
    flask.signals.request_finished,
    flask.signals.request_tearing_down,
)
# What a subclass of Flask may do otherwise for each request.
METHODS = (
    "create_url_adapter",
    "dispatch_request",
    "do_teardown_appcontext",
    "do_teardown_request",
    "finalize_request",
    "full_dispatch_request",
    "make_response",
    "preprocess_request",
    "process_response",
    "request_context",
)

logger = logging.getLogger(__name__)


Function = TypeVar("Function", bound=Callable[..., Any])


class Held(Entry):
    """A page's entry whose signature was checked, ready to be sent."""

    data: bytes  # as it lies in the store
    keys: list[str]  # that its signature was checked with
    headers: list[tuple[str, str]]  # all but those that change with time
    control: str  # the view's Cache-Control
    etag: str | None
    last_modified: str | None
    has_date: bool


@dataclass(frozen=True)
class Known:
    """A page that was answered before: its rules, and what is around its view."""

    page: Page
    entries: Entries
    tags: tuple[str, ...]
    timeout: int  # seconds
    view: Callable[..., Any]
    endpoint: str
    scopes: tuple[str | None, ...]  # the app, and the blueprints of the view
    status_name: str


class Front:
    """The pages of one app, by place: method, scheme, host, mount point and path."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._middleware = Middleware.of(app)
        self._middleware.front = self._begin
        self._pages: dict[tuple[str, ...], Known] = {}
        self._names: dict[tuple[object, ...], tuple[str, Names]] = {}  # and keys, by place
        self._held: dict[str, Held] = {}
        self._size = 0  # bytes of `_held`
        self._told: set[str] = set()

    @classmethod
    def of(cls, app: Flask) -> "Front":
        if "front" not in app.extensions:
            app.extensions["front"] = cls(app)
        front: Front = app.extensions["front"]
        return front

    def learn(
        self,
        page: Page,
        entries: Entries,
        tags: tuple[str, ...],
        timeout: int,
        view: Callable[..., Any],
    ) -> None:
        """Remember the page of the current request, so that later ones need not go into Flask."""
        place, rule = _place(request.environ), request.url_rule
        if not place or place in self._pages or not rule or entries.off:
            return
        if any(type(part).__module__ != CONVERTERS for part in rule._converters.values()):
            return  # a converter of the app's may ask a database
        if len(self._pages) >= MOST:
            self._pages = {}
        about = rule.endpoint, (None, *request.blueprints), status_name(current_app)
        self._pages[place] = Known(page, entries, tags, timeout, view, *about)

    def _begin(self, visit: Visit) -> Answer | None:
        """The first request: everything that the app does for each request is known now."""
        if reason := self._of_the_app():
            self._tell(reason)
        self._middleware.front = self._answer
        return self._answer(visit)

    def _answer(self, visit: Visit) -> Answer | None:
        """The answer to a request for a known and fresh page, if Flask need not be asked."""
        environ = visit.environ
        place = _place(environ)
        known = place and self._pages.get(place)
        if not known or _is_rare(environ) or self._holds_back(known, environ):
            return None
        key, names = self._key_and_names(known, place, environ)
        read = known.entries.read_named(names, functools.partial(self._open, known.entries))
        ttl = read.entry.ttl if isinstance(read.entry, Held) else 0
        if ttl <= 0:
            environ[SEEN] = key, read  # for the look-up of `Cache.page`
            return None
        visit.endpoint = known.endpoint
        count(self._app, known.endpoint, "hit")
        return _sent(known, read.entry, ttl, environ)

    def _key_and_names(self, known: Known, place: Any, environ: Any) -> tuple[str, Names]:
        """The key of this request's page, and what belongs to it in the store."""
        query = environ.get("QUERY_STRING") if known.page.args else None
        variant = place, query, *[environ.get(_variable(name)) for name in known.page.vary]
        if found := self._names.get(variant):
            return found
        if len(self._names) >= MOST:
            self._names = {}
        key = known.page.key(Request(environ, populate_request=False))
        found = self._names[variant] = key, known.entries.names(key, known.tags)
        return found

    def _open(self, entries: Entries, name: str, data: bytes | None) -> Entry | None:
        """The entry of these bytes. Bytes that were checked before are only compared."""
        held, keys = self._held.get(name), entries.sealer.keys
        if held and held.data == data and held.keys == keys:
            return held
        entry = entries.open(name, data)
        if not data or not entry or isinstance(entry.value, Unstorable):
            return entry
        if self._size > HELD:
            self._held, self._size = {}, 0
        self._size += 2 * len(data)
        self._held[name] = held = _held(data, keys, entry)
        return held

    def _holds_back(self, known: Known, environ: Any) -> bool:
        """Whether something of the app's own may have a say. The log has each reason once."""
        app, reason = self._app, self._of_the_app(known.scopes)
        if app.view_functions.get(known.endpoint) is not known.view:
            reason = f"what is above `page` at {known.endpoint}: put it directly under the route"
        interface = app.session_interface
        if not _unneeded(interface) and (
            type(interface) is not SecureCookieSessionInterface or "HTTP_COOKIE" in environ
        ):
            reason = _name(type(interface))
        if reason:
            self._tell(reason)
        return reason != ""

    def _of_the_app(self, scopes: tuple[str | None, ...] = (None,)) -> str:
        """What runs for each request of the app, or of these blueprints, and may have a say."""
        app = self._app
        functions: list[Any] = [*app.teardown_appcontext_funcs]
        for hooks in (
            app.before_request_funcs,
            app.after_request_funcs,
            app.teardown_request_funcs,
            app.url_value_preprocessors,
        ):
            for scope in scopes:
                functions += hooks.get(scope, ())
        for signal in SIGNALS:
            if signal.receivers:
                functions += signal.receivers_for(app)
        for function in functions:
            if not _unneeded(function):
                return _name(function)
        if type(app) is not Flask or not vars(app).keys().isdisjoint(METHODS):
            for name in METHODS:
                if getattr(getattr(app, name), "__func__", None) is not getattr(Flask, name):
                    return f"{_name(type(app))}.{name}"
        if app.request_class is not Request or app.response_class is not Response:
            return "the app's own class for requests or responses"
        if getattr(self._middleware.inner, "__func__", None) is not Flask.wsgi_app:
            return "a middleware that was added before the cache"
        return ""

    def _tell(self, reason: str) -> None:
        if reason not in self._told:
            self._told.add(reason)
            logger.warning(
                "Cached pages go through all of Flask because of %s. If they do without it, mark "
                "it with `unneeded_for_hits`, and they are answered several times as fast.",
                reason,
            )


def _sent(known: Known, held: Any, ttl: float, environ: Any) -> Answer:
    """What `Cache.page` sends through Flask."""
    headers = [
        *held.headers,
        ("Cache-Control", known.page.control(held.control, min(int(ttl), known.timeout))),
        ("Cache-Status", f"{known.status_name}; hit; ttl={math.floor(ttl)}"),
    ]
    if not held.has_date:
        headers.append(("Date", _date(int(time.time()))))
    conditional = "HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MODIFIED_SINCE" in environ
    if conditional and not is_resource_modified(environ, held.etag, None, held.last_modified):
        remove_entity_headers(headers)
        return "304 NOT MODIFIED", headers, ()
    return "200 OK", headers, () if environ["REQUEST_METHOD"] == "HEAD" else (held.value[0],)


def _held(data: bytes, keys: list[str], entry: Entry) -> Held:
    body, headers = entry.value
    response = Response(body, headers=headers)
    sent = response.get_wsgi_headers({})
    held = Held(*entry)
    held.data, held.keys = data, keys
    held.control = sent.pop("Cache-Control", "")
    held.etag, held.last_modified = sent.get("ETag"), sent.get("Last-Modified")
    held.headers, held.has_date = list(sent), "Date" in sent
    return held


def _place(environ: Any) -> tuple[str, ...] | None:
    host, path = environ.get("HTTP_HOST"), environ.get("PATH_INFO")
    if not host or not path:
        return None
    scheme, mount = environ["wsgi.url_scheme"], environ.get("SCRIPT_NAME", "")
    return environ["REQUEST_METHOD"], scheme, host, mount, path


def _is_rare(environ: Any) -> bool:
    """Whether Flask must see the request: it may have a body, or an answer of its own."""
    has_body = environ.get("CONTENT_LENGTH") not in (None, "", "0")
    return has_body or not environ.keys().isdisjoint(RARE)


def unneeded_for_hits(function: Function) -> Function:
    """Mark a function of the app's hooks or signals: a page from the cache is sent without it."""
    marked: Any = getattr(function, "__func__", function)  # of a method
    marked.unneeded_for_hits = True
    return function


def _unneeded(function: Any) -> bool:
    return getattr(function, "unneeded_for_hits", False) is True


def _name(function: Any) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"


@functools.cache
def _variable(header: str) -> str:
    """The name of a request's header in the environ."""
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


@functools.lru_cache(1)
def _date(second: int) -> str:
    return http_date(second)
