"""The tests of a service without a cache. They import the engine from here."""

from {{ cookiecutter.package_name }}.engine import nocache, page

__all__ = ["nocache", "page"]
