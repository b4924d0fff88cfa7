"""The engine's clients under test. The name of the service stands here only."""

from {{ cookiecutter.package_name }}.engine import clients
from {{ cookiecutter.package_name }}.settings import load_settings

__all__ = ["clients", "load_settings"]
