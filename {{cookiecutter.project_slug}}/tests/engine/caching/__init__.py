"""The caching engine's tests. They import it from here, whatever the service's name."""

from {{ cookiecutter.package_name }}.engine import caching, metrics, page, speakers
from {{ cookiecutter.package_name }}.settings import load_settings

__all__ = ["caching", "load_settings", "metrics", "page", "speakers"]
