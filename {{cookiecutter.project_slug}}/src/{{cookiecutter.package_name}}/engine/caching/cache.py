"""`Cache`, the class that a service imports: it binds a store to an app and has all methods."""

from __future__ import annotations  # some names are there for type checkers only

import functools
import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar, cast

import flask_caching
from click import Command
from flask import Flask, Response, abort, current_app, request
from flask_caching.utils import function_namespace
from prometheus_client import CollectorRegistry
from werkzeug.datastructures import Headers

from ..page import Page, answer_of, bypassed, conditional, tell, tell_refusal
from ..speakers import speaker
from . import metrics, stores
from .backend import Backend
from .breaker import Breaker
from .commands import bench_command, cache_commands
from .decorators import Cached, Memoized, memoize_tag
from .development import show_edits
from .entries import MONTH, Entries
from .flight import Flight
from .fragments import FragmentExtension
from .front import SEEN, Front
from .sealing import Sealer, release_of
from .sent import when_sent

if TYPE_CHECKING:  # private names of Flask-Caching: the types that its decorators return
    from flask_caching import _CachedFunction, _MemoizedFunction

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])
Timeout: TypeAlias = int | timedelta | None


class Cache(flask_caching.Cache):
    """Flask-Caching's cache, with pages, `remember`, tags, single flight and stale values.

    When many requests miss the same value, only one computes it. No request gets a value from
    before an invalidation. If the store is down, no request fails, and none waits for more than
    half a second because of it. A timeout is seconds or a timedelta. None means
    CACHE_DEFAULT_TIMEOUT; 0 or less means "without end".
    """

    def init_app(self, app: Flask, config: dict[str, Any] | None = None) -> None:
        """Bind the cache to an app, with the store at CACHE_URL or of the class CACHE_TYPE.

        `null://` turns the cache off. Nothing connects here. Raises ValueError if another cache of
        the app has the same CACHE_KEY_PREFIX, or if no store here takes the URL.
        """
        config = {**app.config, **(self.config or {}), **(config or {})}
        url, prefix = config.get("CACHE_URL", "null://"), config["CACHE_KEY_PREFIX"]
        if url.startswith("null:"):
            config["CACHE_TYPE"] = "NullCache"
        elif "CACHE_TYPE" not in config:
            store = speaker(stores.__name__, url).Store
            config["CACHE_TYPE"] = f"{store.__module__}.{store.__name__}"
        config["CACHE_NO_NULL_WARNING"] = True
        for other, backend in app.extensions.get("cache", {}).items():
            taken = isinstance(backend, Backend) and backend.entries.breaker.prefix == prefix
            if taken and other is not self:
                raise ValueError(
                    f"CACHE_KEY_PREFIX {prefix!r} is another cache's: give each cache its own."
                )
        super().init_app(app, config)
        store = app.extensions["cache"][self]
        mode = bytes([app.debug])  # a page of development may show what no visitor should see
        sealer = Sealer(app.config, release_of(app.import_name) + mode)
        entries = Entries(Breaker(store, prefix), sealer)
        app.extensions["cache"][self] = Backend(entries, store.default_timeout)
        app.jinja_env.add_extension(FragmentExtension)
        Front.of(app)
        if app.debug:
            show_edits(app, self)

    @property
    def backend(self) -> Backend:
        """`cache.cache`, typed: Flask-Caching's methods. Needs an application context."""
        return cast(Backend, self.cache)

    @property
    def off(self) -> bool:
        return self.backend.entries.off

    @property
    def in_process(self) -> bool:
        """Whether the store is in this process, so that no other can look into it."""
        return bool(getattr(self.backend.entries.breaker.backend, "in_process", False))

    def remember(
        self,
        key: str,
        compute: Callable[[], T],
        timeout: Timeout = None,
        *,
        stale: int = 0,
        tags: tuple[str, ...] = (),
    ) -> T:
        """The value of `key`. If there is none, one caller at a time computes it.

        For `stale` seconds after the timeout callers get the old value, while one of them computes
        the new one. If that computation raises, the caller gets the old value, too.
        """
        with Flight(self.backend.entries, key, tags, stale) as flight:
            if flight.must_compute():
                flight.store(compute(), self.backend.seconds(timeout))
        return cast(T, flight.value)

    def invalidate(self, *tags: str) -> None:
        """Make everything with one of the tags unreachable, at once and for every process.

        When this returns, no request gets a value whose computation began before it.
        """
        self.backend.entries.invalidate(*tags)

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
        """Cache a view. Put this directly under the route, above all other decorators.

        * There is one entry for each host, path, value of the query arguments `args` and value of
          the request headers `vary`.
        * It stores answers to GET with status 200 that used no session, set no cookie, vary on no
          other header, and are not streamed, private, no-cache or no-store. It stores no others.
        * Requests with Authorization, and requests that used the session before, skip the cache.
        * For `stale` seconds after the timeout visitors get the old page, while one request
          computes the new one. If the view fails then, that request gets the old page, too.
        * Browsers and proxies may keep a page as long as it is fresh or stale here. Invalidations
          do not reach them. `max_age` (seconds) limits that: with 0 they ask every time, and the
          answer is a 304 if nothing changed. A page without end has 0 by default, and so has each
          page in development.
        """

        def decorate(view: View) -> View:
            @functools.wraps(view)
            def answer(*view_args: Any, **view_kwargs: Any) -> Response:
                seconds = self.backend.seconds(timeout)
                unlimited = seconds >= MONTH and max_age is None
                limit = 0 if unlimited or current_app.debug else max_age
                rules = Page(stale, args, vary, limit)
                run = functools.partial(view, *view_args, **view_kwargs)
                return self._answer(rules, run, tags, seconds, answer)

            vars(answer)["is_page"] = True
            return cast(View, answer)

        return decorate

    def _answer(
        self,
        page: Page,
        run: Callable[[], Any],
        tags: tuple[str, ...],
        timeout: int,
        view: Callable[..., Response],
    ) -> Response:
        bypass = bypassed()
        entries = self.backend.entries
        if not bypass:
            Front.of(current_app).learn(page, entries, tags, timeout, view)
        key = page.key(request)
        seen_key, seen = request.environ.pop(SEEN, (None, None))
        flight = Flight(entries, key, tags, page.stale, seen if seen_key == key else None)
        found = request.method == "HEAD" and not bypass and flight.look()
        if request.method == "HEAD" and not found:  # it may have another answer than GET
            flight = Flight(entries, page.key(request, "HEAD"), tags, page.stale)
        with flight:
            if bypass or (not found and flight.must_compute()):
                response = answer_of(run)
                response.vary.update(page.vary)
                if bypass or not page.may_store(response):
                    tell_refusal(response.headers, flight.outcome)
                    if response.status_code >= 500:
                        abort(response)  # or serve the stale page, if there is one
                    return response
                response.add_etag()
                flight.defer()
                stored = response.get_data(), [*response.headers]
                when_sent(functools.partial(self._store, page, flight, stored, timeout))
                return conditional(page.publish(response, timeout, timeout, flight.status))
        body, headers = flight.value
        response = current_app.response_class(body, headers=headers)
        return conditional(page.publish(response, flight.ttl, timeout, flight.status))

    def _store(
        self,
        page: Page,
        flight: Flight,
        stored: Any,
        timeout: int,
        status: int | None,
        headers: Headers,
    ) -> None:
        """Store a page, unless what is sent became personal after the view."""
        whole = status == 304 or (status == 200 and "Content-Length" in headers)  # no stream
        if status is None:
            flight.release()
        elif whole and page.may_share(headers):
            flight.store(stored, timeout)
            tell(headers, flight.status)
        else:
            flight.release(unstorable=True)
            tell_refusal(headers, flight.outcome)

    def cached(
        self, *args: Any, stale: int = 0, tags: tuple[str, ...] = (), **options: Any
    ) -> Callable[[Callable[P, R]], _CachedFunction[P, R]]:
        """Flask-Caching's decorator for views, with `stale` and `tags`."""
        library = super().cached(*args, **options)
        given = inspect.signature(flask_caching.Cache.cached).bind(self, *args, **options)
        decorator = Cached(self, given.arguments, tags, stale)
        return lambda function: decorator.decorate(library(function), function)

    def memoize(
        self, *args: Any, stale: int = 0, tags: tuple[str, ...] = (), **options: Any
    ) -> Callable[[Callable[P, R]], _MemoizedFunction[P, R]]:
        """Flask-Caching's decorator for functions, with `stale` and `tags`."""
        library = super().memoize(*args, **options)
        given = inspect.signature(flask_caching.Cache.memoize).bind(self, *args, **options)
        decorator = Memoized(self, given.arguments, tags, stale)
        return lambda function: decorator.decorate(library(function), function)

    def _memoize_version(self, f: Any, *_: Any, **how: Any) -> tuple[str, str]:
        """Replaces a private method of Flask-Caching, which keeps function versions in the store.

        Reading a version there takes another command, and a slow computation writes an old version
        back. Tags have neither fault, so here `delete_memoized` invalidates a tag.
        """
        name, instance = function_namespace(f, args=how.get("args"))
        if how.get("reset") or how.get("delete"):
            self.invalidate(memoize_tag(instance or name))
        return name, ""

    @property
    def commands(self) -> list[Command]:
        """`flask cache …` and `flask bench`, for `app.cli.add_command`."""
        return [cache_commands, bench_command]

    def watch(self, app: Flask, registry: CollectorRegistry) -> None:
        """Add the cache's metrics to a registry."""
        metrics.watch(self, app, registry)

    def ping(self) -> bool:
        """Whether the store keeps values and returns them. Raises the errors of its client."""
        return self.off or self.backend.entries.breaker.ping()

    def stats(self) -> dict[str, int]:
        """The number of entries in the store, and its memory in bytes."""
        return dict(getattr(self.backend.entries.breaker.backend, "stats", dict)())
