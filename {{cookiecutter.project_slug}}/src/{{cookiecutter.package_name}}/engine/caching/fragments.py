"""`{% cache %}`: parts of templates, with single flight."""

from typing import Any, NamedTuple

from flask import current_app
from flask_caching.jinja2ext import CacheExtension
from flask_caching.utils import make_template_fragment_key

from . import identity
from .flight import Flight


class Fragment(NamedTuple):
    name: str
    vary_on: list[str]
    text: str


class FragmentExtension(CacheExtension):
    """`{% cache %}`. `a_b, c` and `a, b_c` have one key, but never get each other's text here."""

    priority = CacheExtension.priority + 1  # Jinja takes the last of two extensions

    # A private name of Flask-Caching: its `parse` writes calls of this method into templates.
    def _cache(self, timeout: Any, fragment_name: str, vary_on: list[Any], caller: Any) -> Any:
        backend = next(iter(current_app.extensions["cache"].values()))  # of the app's first cache
        vary_on = [_text(value) for value in vary_on]
        key = make_template_fragment_key(fragment_name, vary_on)
        if timeout == "del":
            backend.delete(key)
            return caller()
        with Flight(backend.entries, key) as flight:
            if flight.must_compute():
                text = caller()
                flight.store(Fragment(fragment_name, vary_on, text), backend.seconds(timeout))
                return text
        found = flight.value
        if not isinstance(found, Fragment):  # the service itself stored it under the key
            return found
        return found.text if found[:2] == (fragment_name, vary_on) else caller()


def _text(value: Any) -> str:
    """Different for each value: the `str` of an object may hide a part of it."""
    return str(value) if type(value) in identity.PLAIN else repr(identity.argument(value))
