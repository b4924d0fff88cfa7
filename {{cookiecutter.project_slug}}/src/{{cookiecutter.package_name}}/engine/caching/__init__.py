"""Caching: a service imports `Cache`.

    cache       which methods does a service call?
    page        (one folder up) what is a page, and who may see it?
    decorators  how do `cached` and `memoize` use the cache?
    fragments   how does `{% cache %}` use it?
    backend     what do `cache.get`, `set`, `delete` … do?
    flight      who computes when many requests miss a value?
    entries     what is in the store, and what makes it invalid?
    front       which hits need not go through Flask?
    sent        when is decided whether a page is stored?
    sealing     how do values become bytes, and which code wrote them?
    identity    what tells a memoized function and its arguments from others?
    breaker     what happens while the store is down?
    stores/     which store, and how does it keep bytes?

Each of these modules answers one question. `commands` and `metrics` are for operations.
"""

from ..speakers import check
from .cache import Cache
from .front import unneeded_for_hits

__all__ = ["Cache", "check_url", "unneeded_for_hits"]


def check_url(url: str) -> None:
    """Raise ValueError, with the end of a sentence, for a CACHE_URL that no store here takes."""
    check(f"{__name__}.stores", url, "null")
