"""Flask-Caching's decorators and `{% cache %}`, with single flight, `tags` and `stale`."""

import functools
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

from flask import Flask
from flask_caching.jinja2ext import JINJA_CACHE_ATTR_NAME, CacheExtension
from flask_caching.utils import function_namespace, make_template_fragment_key, normalize_timeout

from .flight import Flight
from .values import Values, boarding

if TYPE_CHECKING:
    from flask_caching import _CachedFunction, _MemoizedFunction

F = TypeVar("F")
P = ParamSpec("P")
R = TypeVar("R")


class Decorators(Values):
    """`cached` and `memoize` as Flask-Caching documents them. It makes the keys, then asks `get`,
    the function and `set`, which find the flight of the call in `boarding`."""

    def init_app(self, app: Flask, config: dict[str, Any] | None = None) -> None:
        self.with_jinja2_ext = False
        super().init_app(app, config)
        if not hasattr(app.jinja_env, JINJA_CACHE_ATTR_NAME):  # the app's first cache
            setattr(app.jinja_env, JINJA_CACHE_ATTR_NAME, self)
            app.jinja_env.add_extension(FragmentExtension)

    def cached(
        self, *args: Any, stale: int = 0, tags: Iterable[str] = (), **options: Any
    ) -> "Callable[[Callable[P, R]], _CachedFunction[P, R]]":
        decorate = super().cached(*args, **options)
        return lambda f: self._boarding(decorate(f), stale, lambda _: tuple(tags))

    def memoize(
        self, *args: Any, stale: int = 0, tags: Iterable[str] = (), **options: Any
    ) -> "Callable[[Callable[P, R]], _MemoizedFunction[P, R]]":
        decorate = super().memoize(*args, **options)

        def memoized(f: Callable[P, R]) -> "_MemoizedFunction[P, R]":
            def all_tags(args: Sequence[Any]) -> tuple[str, ...]:
                names = function_namespace(f, args=args)
                return *tags, *(f"memoize {name}" for name in names if name)

            return self._boarding(decorate(f), stale, all_tags)

        return memoized

    def _boarding(
        self, function: F, stale: int, tags: Callable[[Sequence[Any]], tuple[str, ...]]
    ) -> F:
        call = cast(Callable[..., Any], function)

        @functools.wraps(call)
        def boarding_call(*args: Any, **kwargs: Any) -> Any:
            with Flight(self, "", tags(args), stale) as flight:
                try:
                    return _while_boarding(flight, call, *args, **kwargs)
                except Exception as error:
                    if not flight.fall_back(error):
                        raise
                    return flight.value

        boarding_call.__dict__ = call.__dict__  # `uncached`, `cache_timeout`, … stay writable
        return cast(F, boarding_call)

    def _call_fn(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return _while_boarding(None, super()._call_fn, fn, *args, **kwargs)

    def _memoize_version(
        self,
        f: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
        reset: bool = False,
        delete: bool = False,
        *_: Any,
        **__: Any,
    ) -> tuple[str, str]:
        """Tags in place of Flask-Caching's version keys, which a slow call would bring back."""
        name, instance = function_namespace(f, args=args)
        if reset or delete:
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

    def _forced_update(self, forced_update: Any, *args: Any, **kwargs: Any) -> bool:
        flight = cast(Flight, boarding.get())
        flight.forced = super()._forced_update(_truth(forced_update), *args, **kwargs)
        return False  # `get` is to prepare the flight, and finds nothing

    def _is_stale(self, is_stale: Any, rv: Any, *args: Any, **kwargs: Any) -> bool:
        flight = cast(Flight, boarding.get())
        flight.forced = super()._is_stale(_truth(is_stale), rv, *args, **kwargs)
        return flight.forced and not flight.board()


class FragmentExtension(CacheExtension):
    """`{% cache %}` that tells `a_b, c` from `a, b_c`, which have one key in Flask-Caching."""

    def _cache(self, timeout: Any, fragment_name: str, vary_on: list[Any], caller: Any) -> Any:
        cache = getattr(self.environment, JINJA_CACHE_ATTR_NAME)
        vary = [str(value) for value in vary_on]
        key = make_template_fragment_key(fragment_name, vary_on=vary)
        if timeout == "del":
            cache.delete(key)
            return caller()
        (name, varied), fragment = cache.remember(
            key, lambda: ((fragment_name, vary), caller()), normalize_timeout(timeout)
        )
        return fragment if (name, varied) == (fragment_name, vary) else caller()


class _Identity(str):
    __repr__ = str.__str__


_identities: WeakKeyDictionary[object, _Identity] = WeakKeyDictionary()


def _identified(value: object) -> object:
    """What stands for `value` in a key. The default repr is a memory address: the next object to
    get it would get the answers of this one."""
    if type(value).__repr__ is not object.__repr__ or hasattr(value, "__caching_id__"):
        return value
    return _identities.setdefault(value, _Identity(f"<{type(value).__name__} {uuid.uuid4()}>"))


def _while_boarding(flight: Flight | None, call: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    token = boarding.set(flight)
    try:
        return call(*args, **kw)
    finally:
        boarding.reset(token)


def _truth(predicate: Any) -> Any:
    if not callable(predicate):
        return None

    @functools.wraps(predicate)
    def answer(*args: Any, **kwargs: Any) -> bool:
        return bool(_while_boarding(None, predicate, *args, **kwargs))

    return answer
