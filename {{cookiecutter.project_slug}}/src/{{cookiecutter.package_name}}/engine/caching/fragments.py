"""`{% cache %}`: parts of templates, with single flight."""

from typing import Any, Self

from flask import current_app
from flask_caching.jinja2ext import CacheExtension
from flask_caching.utils import make_template_fragment_key

from . import identity
from .flight import Flight


class Fragment(str):
    """The text of a fragment, which `cache.get` returns, and whose it is."""

    about: tuple[str, list[str]]

    @classmethod
    def made(cls, text: str, name: str, vary_on: list[str]) -> Self:
        fragment = cls(text)
        fragment.about = name, vary_on
        return fragment


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
                found = Fragment.made(text, fragment_name, vary_on)
                flight.store(found, backend.seconds(timeout))
                return text
        # What is no Fragment the service itself stored under the key.
        about = getattr(flight.value, "about", (fragment_name, vary_on))
        return flight.value if about == (fragment_name, vary_on) else caller()


def _text(value: Any) -> str:
    """Different for each value: the `str` of an object may hide a part of it."""
    return str(value) if type(value) in identity.PLAIN else repr(identity.argument(value))
