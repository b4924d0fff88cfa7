"""Caching: the store that is used, and the names to call.

    @page(timeout=60, tags=("products",))   caches a view: put it directly under the route
    remember("top", compute, timeout=60)    caches a value
    @cache.memoize(timeout=300)             caches a function: `cache` has Flask-Caching's methods
    invalidate("products")                  drops everything with the tag, in every process

# {% if cookiecutter.cache_backend == "none" %}
This service has no cache: every call computes (`engine/nocache.py`).
# {% else %}
How it works: `engine/caching`.
# {% endif %}
"""

from flask import Flask

# {% if cookiecutter.cache_backend == "none" %}
from .engine.nocache import Cache
# {% else %}
from .engine.caching import Cache
# {% endif %}
from .settings import Settings

cache = Cache()
page = cache.page
remember = cache.remember
invalidate = cache.invalidate


def init_caching(app: Flask, settings: Settings) -> None:
    """Bind `cache` to the store at CACHE_URL, by default {{ cookiecutter.__cache_url }}.

    Nothing connects before the first use.
    """
    app.config.setdefault("CACHE_URL", settings.cache_url.get_secret_value())
    app.config.setdefault("CACHE_DEFAULT_TIMEOUT", settings.cache_default_timeout)
    app.config.setdefault("CACHE_KEY_PREFIX", "{{ cookiecutter.project_slug }}:cache:")
    app.config.setdefault("CACHE_STATUS_NAME", "{{ cookiecutter.project_slug }}")
    cache.init_app(app)
    app.extensions["backends"]["cache"] = cache
