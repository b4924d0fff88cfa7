"""The service's own tests. They import it from here, whatever its name."""

from {{ cookiecutter.package_name }} import caching, create_app, settings
from {{ cookiecutter.package_name }}.logging import handler as log_handler

__all__ = ["caching", "create_app", "log_handler", "settings"]
