"""Flask-Caching's decorators and `{% cache %}`, with single flight, `tags` and `stale`."""

import functools
import re
import uuid
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

from flask import current_app
from flask_caching import CachedResponse, _CachedFunction, _MemoizedFunction
from flask_caching.jinja2ext import CacheExtension
from flask_caching.utils import function_namespace, make_template_fragment_key
from werkzeug.exceptions import HTTPException

from .flight import Flight, meant
from .values import Timeout, Values

D = TypeVar("D", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R")

boarding: ContextVar[Flight | None] = ContextVar("boarding", default=None)  # of a decorated call


class Decorators(Values):
    """`cached` and `memoize` as Flask-Caching documents them. It makes the keys, then asks `get`,
    the function and `set`, which find the flight of the call in `boarding`."""

    def cached(
        self, *args: Any, stale: int = 0, tags: tuple[str, ...] = (), **options: Any
    ) -> Callable[[Callable[P, R]], _CachedFunction[P, R]]:
        return self._boarding(super().cached(*args, **options), stale, lambda *_: tags)

    def memoize(
        self, *args: Any, stale: int = 0, tags: tuple[str, ...] = (), **options: Any
    ) -> Callable[[Callable[P, R]], _MemoizedFunction[P, R]]:
        def all_tags(f: Callable[..., Any], args: Sequence[Any]) -> tuple[str, ...]:
            names = function_namespace(f, args=args)
            return *tags, *(f"memoize {name}" for name in names if name)

        return self._boarding(super().memoize(*args, **options), stale, all_tags)

    def _boarding(self, decorate: D, stale: int, tags: Callable[..., tuple[str, ...]]) -> D:
        def decorated(f: Callable[..., Any]) -> Any:
            call = decorate(f)

            @functools.wraps(call)
            def boarding_call(*args: Any, **kwargs: Any) -> Any:
                with Flight(self, tags=tags(f, args), stale=stale, forced=None) as flight:
                    return _while_boarding(flight, call, *args, **kwargs)
                return flight.value  # which stands in

            boarding_call.__dict__ = call.__dict__  # `uncached`, `cache_timeout`, … stay writable
            return boarding_call

        return cast(D, decorated)

    def get(self, key: str) -> Any:
        flight = boarding.get()
        if flight is None or flight.forced is None or flight.key not in ("", key):
            return super().get(key)
        flight.key = key
        if flight.forced:
            self.void(key)
        return flight.value if flight.board() else None

    def has(self, key: str) -> bool:
        flight = boarding.get()
        if flight and flight.key == key:
            return flight.outcome != "miss"
        return super().has(key)

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        if isinstance(value, CachedResponse) and value.timeout is not None:
            timeout = value.timeout
        flight = boarding.get()
        if flight and flight.key == key:
            return flight.land(value, self.seconds(timeout))
        return super().set(key, value, timeout)

    def _call_fn(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        flight = boarding.get()
        if flight and flight.outcome in ("hit", "stale"):  # which was refused: None, or `is_stale`
            flight.forced = True
            flight.board()
        return _while_boarding(None, super()._call_fn, fn, *args, **kwargs)

    def _call_fn_or_exception(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        answer = super()._call_fn_or_exception(fn, *args, **kwargs)
        flight = boarding.get()
        if flight and flight.entry and isinstance(answer, HTTPException) and not meant(answer):
            raise answer  # for which the stale value stands in
        return answer

    def _memoize_make_cache_key(self, *args: Any, **options: Any) -> Callable[..., str]:
        """What a key is made of may be cached itself: it is no part of the flight."""
        make_key = super()._memoize_make_cache_key(*args, **options)
        return functools.partial(_while_boarding, None, make_key)

    def _memoize_version(self, f: Any, *_: Any, **how: Any) -> tuple[str, str]:
        """Tags in place of Flask-Caching's version keys, which a slow call would bring back."""
        name, instance = function_namespace(f, args=how.get("args"))
        if how.get("reset") or how.get("delete"):
            self.invalidate(f"memoize {instance or name}")
        return name, ""

    def _memoize_kwargs_to_args(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        named = {name: _identified(value) for name, value in kwargs.items()}
        key = super()._memoize_kwargs_to_args(f, *map(_identified, args), **named)
        if re.search(" at 0x[0-9a-f]+>", repr(key)):
            raise TypeError(f"{f.__qualname__} is not memoized for {key!r}: pass ids, not objects.")
        return key

    # Only an answer of exactly True counts for Flask-Caching; here, whatever is true does.

    def _bypass_cache(self, unless: Any, f: Any, *args: Any, **kwargs: Any) -> bool:
        return super()._bypass_cache(_truth(unless), f, *args, **kwargs)

    def _is_stale(self, is_stale: Any, rv: Any, *args: Any, **kwargs: Any) -> bool:
        return super()._is_stale(_truth(is_stale), rv, *args, **kwargs)

    def _forced_update(self, forced_update: Any, *args: Any, **kwargs: Any) -> bool:
        flight = cast(Flight, boarding.get())
        flight.forced = super()._forced_update(_truth(forced_update), *args, **kwargs)
        return False  # `get` is to board the flight, and finds nothing


class FragmentExtension(CacheExtension):
    """`{% cache %}` that tells `a_b, c` from `a, b_c`, which have one key in Flask-Caching."""

    priority = CacheExtension.priority + 1  # the last one counts

    def _cache(self, timeout: Any, fragment_name: str, vary_on: list[Any], caller: Any) -> Any:
        cache = next(iter(current_app.extensions["cache"]))  # the app's first
        asked = fragment_name, [str(value) for value in vary_on]
        key = make_template_fragment_key(*asked)
        if timeout == "del":
            cache.delete(key)
            return caller()
        kept, fragment = cache.remember(key, lambda: (asked, caller()), timeout)
        return fragment if kept == asked else caller()


_identities: WeakKeyDictionary[object, str] = WeakKeyDictionary()


def _identified(value: object) -> object:
    """What stands for `value` in a key. The default repr is a memory address: the next object to
    get it would get the answers of this one."""
    if type(value).__repr__ is not object.__repr__ or hasattr(value, "__caching_id__"):
        return value
    return _identities.setdefault(value, str(uuid.uuid4()))


def _while_boarding(flight: Flight | None, call: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    token = boarding.set(flight)
    try:
        return call(*args, **kw)
    finally:
        boarding.reset(token)


def _truth(predicate: Any) -> Any:
    if not callable(predicate):
        return None
    return functools.wraps(predicate)(lambda *args, **kwargs: bool(predicate(*args, **kwargs)))
