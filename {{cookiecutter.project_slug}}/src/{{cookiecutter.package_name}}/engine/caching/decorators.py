"""Flask-Caching's `cached` and `memoize`, with single flight, `tags` and `stale`.

Flask-Caching's public `make_cache_key` makes the keys, and one `Flight` does the rest.
"""

import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

import flask_caching
from flask import Response, after_this_request, current_app
from flask_caching import signals
from flask_caching.utils import function_namespace, get_arg_names, join_generator, wants_args
from werkzeug.exceptions import HTTPException

from . import identity
from .entries import TaggedKey
from .flight import Flight, is_answer

Function = Callable[..., Any]

logger = logging.getLogger(__name__)


class Call(NamedTuple):
    """One call of a decorated function."""

    function: Function
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def run(self, app: Any) -> Any:
        value = app.ensure_sync(self.function)(*self.args, **self.kwargs)
        return join_generator(value) if inspect.isgenerator(value) else value

    def says(self, predicate: Function | None, *before: Any) -> bool:
        """Whether a predicate of the decorator is true for this call."""
        if predicate is None:
            return False
        if not wants_args(predicate):
            return bool(predicate())
        return bool(predicate(*before, *self.args, **self.kwargs))

    def refuses(self, value: Any, options: Mapping[str, Any]) -> bool:
        """Whether a value from the cache must be computed again."""
        if value is None and not options.get("cache_none"):
            return True
        is_stale = options.get("is_stale")
        if is_stale and len(inspect.signature(is_stale).parameters) == 1:
            return bool(is_stale(value))
        return self.says(is_stale, value)


class Decorator:
    """The common part of `cached` and `memoize`, which differ in keys, tags and stored values."""

    def __init__(
        self,
        cache: flask_caching.Cache,
        options: Mapping[str, Any],
        tags: tuple[str, ...],
        stale: int,
    ) -> None:
        self.cache = cache
        self.options = options  # the arguments for Flask-Caching
        self.tags = tags
        self.stale = stale  # seconds

    def decorate(self, library: Any, function: Function) -> Any:
        """The function, answered from the cache. `library` is the one that Flask-Caching made."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return self.answer(Call(function, args, kwargs), decorated)

        decorated: Any = call  # its attributes are documented by Flask-Caching, and may be set
        decorated.uncached = function
        decorated.cache_timeout = library.cache_timeout
        decorated.make_cache_key = library.make_cache_key
        return decorated

    def answer(self, call: Call, decorated: Any) -> Any:
        app = current_app or self.cache.app
        backend: Any = self.cache.cache
        if call.says(self.options.get("unless"), call.function):
            with Flight(backend.entries):  # this counts it as bypassed
                return call.run(app)
        try:
            key = self.key(call, decorated)
        except Exception:  # the repr of an argument may raise any
            if app.debug:
                raise
            logger.exception("A call of %s is not cached: it has no key.", call.function)
            return call.run(app)
        value, found = self.look_up(call, key, backend, decorated.cache_timeout)
        self.announce(call, key, found)
        return value

    def look_up(self, call: Call, key: str, backend: Any, timeout: Any) -> tuple[Any, bool]:
        """The value of the call, and whether the cache had it."""
        tags = *self.tags, *getattr(key, "tags", ())
        with Flight(backend.entries, key, tags, self.stale) as flight:
            forced = call.says(self.options.get("forced_update"))
            if forced:
                backend.entries.supersede(key)
            if not flight.must_compute(force=forced):
                if not call.refuses(flight.value, self.options):
                    return flight.value, True
                flight.must_compute(force=True)
            value = self.compute(call)
            if isinstance(value, HTTPException) and not is_answer(value):
                raise value  # a failure is not stored; a stale value may take its place
            if self.may_store(value):
                own = value.timeout if isinstance(value, flask_caching.CachedResponse) else None
                flight.store(value, backend.seconds(own or timeout))
            return value, False
        return flight.value, True  # the computation raised: this is the stale value

    def may_store(self, value: Any) -> bool:
        response_filter = self.options.get("response_filter")
        seen = value.get_response() if isinstance(value, HTTPException) else value
        return response_filter is None or bool(response_filter(seen))

    def key(self, call: Call, decorated: Any) -> str:
        raise NotImplementedError

    def compute(self, call: Call) -> Any:
        return call.run(current_app or self.cache.app)

    def announce(self, call: Call, key: str, found: bool) -> None:
        raise NotImplementedError


class Cached(Decorator):
    """For views: a key for each path. An abort() is stored too, and raised again from the cache."""

    def answer(self, call: Call, decorated: Any) -> Any:
        value = super().answer(call, decorated)
        if isinstance(value, HTTPException):
            raise value
        return value

    def key(self, call: Call, decorated: Any) -> str:
        if make_key := self.options.get("make_cache_key"):
            return str(make_key(*call.args, **call.kwargs))
        return str(decorated.make_cache_key(*call.args, use_request=True, **call.kwargs))

    def compute(self, call: Call) -> Any:
        try:
            return super().compute(call)
        except HTTPException as error:
            return error

    def announce(self, call: Call, key: str, found: bool) -> None:
        if found and self.options.get("response_hit_indication"):
            after_this_request(_indicate_hit)
        if self.cache.enable_signals:
            signal = signals.cache_view_hit if found else signals.cache_view_miss
            signal.send(cache=self.cache, cache_key=key, args=call.args, kwargs=call.kwargs)


class Memoized(Decorator):
    """For functions: a key for each list of arguments, and tags for `delete_memoized`."""

    def decorate(self, library: Any, function: Function) -> Any:
        decorated = super().decorate(library, function)
        known = identity.function(function)
        decorated.make_cache_key = functools.partial(self._make_cache_key, library, known)
        decorated.delete_memoized = lambda: self.cache.delete_memoized(decorated)
        return decorated

    def key(self, call: Call, decorated: Any) -> str:
        key: str = decorated.make_cache_key(call.function, *call.args, **call.kwargs)
        return key

    def announce(self, call: Call, key: str, found: bool) -> None:
        if self.cache.enable_signals:
            signal = signals.cache_memoize_hit if found else signals.cache_memoize_miss
            about: Any = {"f": call.function, "args": call.args, "kwargs": call.kwargs}
            signal.send(cache=self.cache, cache_key=key, **about)

    def _make_cache_key(
        self, library: Any, known: str, f: Function, *args: Any, **kwargs: Any
    ) -> TaggedKey:
        """Flask-Caching's key, made from what tells the function and its arguments from others."""
        ignored = self.options.get("args_to_ignore") or ()

        def identified(name: str | None, value: Any) -> Any:
            # Flask-Caching wants the class itself as `cls`.
            return value if name in ("cls", *ignored) else identity.argument(value)

        names = get_arg_names(f)[: len(args)]
        by_place = [identified(name, value) for name, value in zip_longest(names, args)]
        by_name = {name: identified(name, value) for name, value in kwargs.items()}
        owner = identity.argument(args[0]) if names[:1] == ["cls"] else ""
        key = f"{library.make_cache_key(f, *by_place, **by_name)} {known} {owner}"
        return TaggedKey(key, [memoize_tag(name) for name in function_namespace(f, args) if name])


def memoize_tag(name: str) -> str:
    """The tag of everything that is memoized for a function, or for a method of one object."""
    return f"memoize {name}"


def _indicate_hit(response: Response) -> Response:
    response.headers["hit_cache"] = "True"
    return response
