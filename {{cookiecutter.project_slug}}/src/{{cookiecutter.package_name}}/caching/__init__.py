"""Caching: `page` for views, `remember` and `cache.memoize` for values, `invalidate` for both."""

from flask import Flask

from ..settings import Settings
from .decorators import FragmentExtension
from .flight import cache_outcome
from .page import Cache, keep_private

__all__ = ["Cache", "cache", "cache_outcome", "init_caching", "invalidate", "page", "remember"]

# {% if cookiecutter.cache_backend == "simple" %}
STORE = f"{__package__}.memory.MemoryStore"
# {% elif cookiecutter.cache_backend == "filesystem" %}
STORE = f"{__package__}.filesystem.FilesystemStore"
# {% elif cookiecutter.cache_backend == "redis" %}
STORE = f"{__package__}.redis.RedisStore"
# {% elif cookiecutter.cache_backend == "memcached" %}
STORE = f"{__package__}.memcached.MemcachedStore"
# {% else %}
STORE = "NullCache"
# {% endif %}

cache = Cache()
page = cache.page
remember = cache.remember
invalidate = cache.invalidate


def init_caching(app: Flask, settings: Settings) -> None:
    """Bind `cache` to CACHE_URL. Nothing connects before the first use."""
    app.config.setdefault("CACHE_TYPE", STORE)
    app.config.setdefault("CACHE_URL", settings.cache_url.get_secret_value())
    app.config.setdefault("CACHE_DEFAULT_TIMEOUT", settings.cache_default_timeout)
    app.config.setdefault("CACHE_KEY_PREFIX", "{{ cookiecutter.project_slug }}:cache:")
    cache.init_app(app)
    app.jinja_env.add_extension(FragmentExtension)
    app.after_request(keep_private)
