"""The engine's sessions under test. The name of the service stands here only."""

# {% if cookiecutter.session_store == "cookie" %}
from {{ cookiecutter.package_name }}.engine.sessions import cookie

__all__ = ["cookie"]
# {% elif cookiecutter.session_store in ("filesystem", "sql") %}
from {{ cookiecutter.package_name }}.engine import speakers
from {{ cookiecutter.package_name }}.engine.sessions import (
    commands,
    interface,
    merge,
    stores,
)
from {{ cookiecutter.package_name }}.settings import load_settings

__all__ = ["commands", "interface", "load_settings", "merge", "speakers", "stores"]
# {% else %}
from {{ cookiecutter.package_name }}.engine import speakers
from {{ cookiecutter.package_name }}.engine.sessions import interface, merge, stores
from {{ cookiecutter.package_name }}.settings import load_settings

__all__ = ["interface", "load_settings", "merge", "speakers", "stores"]
# {% endif %}
