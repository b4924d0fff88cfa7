"""The service's own tests. They import it from here, whatever its name."""

from {{ cookiecutter.package_name }} import caching, create_app, health, sessions, settings

__all__ = ["caching", "create_app", "health", "sessions", "settings"]
