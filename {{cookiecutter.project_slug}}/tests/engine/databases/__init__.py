"""The engine's tests with a database. They import it from here, whatever the service's name."""

from {{ cookiecutter.package_name }}.engine import databases, speakers
from {{ cookiecutter.package_name }}.engine.databases import gate, invalidation
from {{ cookiecutter.package_name }}.settings import load_settings

__all__ = ["databases", "gate", "invalidation", "load_settings", "speakers"]
