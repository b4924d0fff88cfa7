"""The engine's tests: `cruft update` updates them with the engine. One file tests one promise."""

from {{ cookiecutter.package_name }}.engine import page

__all__ = ["page"]
