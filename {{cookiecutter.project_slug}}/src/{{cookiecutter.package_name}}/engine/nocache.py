"""The API of the cache for a service without a cache: every call computes."""

from __future__ import annotations  # some names are there for type checkers only

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import flask_caching
from flask import Flask, Response, current_app
from flask_caching.utils import normalize_timeout

from .middleware import Middleware
from .page import Page, answer_of, bypassed, conditional, tell_refusal
from .urls import check

if TYPE_CHECKING:  # private names of Flask-Caching: the types that its decorators return
    from flask_caching import _CachedFunction, _MemoizedFunction

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])
Timeout = int | timedelta | None


def check_url(url: str) -> None:
    """Raise ValueError, with the end of a sentence, for a CACHE_URL other than null://."""
    check(url, ("null",))


class Cache(flask_caching.Cache):
    """Flask-Caching with its NullCache, and with `page`, `remember`, tags and `stale`.

    Pages have ETag, 304, Cache-Control and Vary, because browsers and proxies may keep them.
    """

    def init_app(self, app: Flask, config: dict[str, Any] | None = None) -> None:
        super().init_app(app, {**(config or {}), "CACHE_NO_NULL_WARNING": True})
        Middleware.of(app)  # which keeps personal answers private

    def remember(
        self,
        key: str,
        compute: Callable[[], T],
        timeout: Timeout = None,
        *,
        stale: int = 0,
        tags: tuple[str, ...] = (),
    ) -> T:
        return compute()

    def invalidate(self, *tags: str) -> None:
        return

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
        """For a view whose answer depends on the path, `args` and the headers `vary` only."""
        rules = Page(stale, args, vary, max_age)

        def decorate(view: View) -> View:
            @functools.wraps(view)
            def answer(*view_args: Any, **view_kwargs: Any) -> Response:
                bypass = bypassed()
                shown = replace(rules, max_age=0) if current_app.debug else rules
                response = answer_of(functools.partial(view, *view_args, **view_kwargs))
                response.vary.update(vary)
                if bypass or not rules.may_store(response):
                    tell_refusal(response.headers, "bypass")
                    return response
                response.add_etag()
                seconds = normalize_timeout(timeout) or current_app.config["CACHE_DEFAULT_TIMEOUT"]
                return conditional(shown.publish(response, seconds, seconds, "fwd=bypass"))

            return cast(View, answer)

        return decorate

    def cached(
        self, *args: Any, stale: int = 0, tags: tuple[str, ...] = (), **options: Any
    ) -> Callable[[Callable[P, R]], _CachedFunction[P, R]]:
        return super().cached(*args, **options)

    def memoize(
        self, *args: Any, stale: int = 0, tags: tuple[str, ...] = (), **options: Any
    ) -> Callable[[Callable[P, R]], _MemoizedFunction[P, R]]:
        return super().memoize(*args, **options)
