"""The engine under test. Only this file knows the name of the service."""

# {% set parts = cookiecutter.__parts.split() %}
from {{ cookiecutter.package_name }} import engine as engine
# {% if "caching" in parts %}
from {{ cookiecutter.package_name }}.engine import caching as caching
# {% endif %}
# {% if "client" in parts %}
from {{ cookiecutter.package_name }}.engine import clients as clients
# {% endif %}
from {{ cookiecutter.package_name }}.engine import compression as compression
# {% if "sqlalchemy" in parts %}
from {{ cookiecutter.package_name }}.engine import databases as databases
# {% endif %}
from {{ cookiecutter.package_name }}.engine import middleware as middleware
# {% if "caching" not in parts %}
from {{ cookiecutter.package_name }}.engine import nocache as nocache
# {% endif %}
from {{ cookiecutter.package_name }}.engine import page as page
# {% if "caching" in parts or "stored_sessions" in parts or "database" in parts %}
from {{ cookiecutter.package_name }}.engine import probes as probes
from {{ cookiecutter.package_name }}.engine import speakers as speakers
# {% endif %}
from {{ cookiecutter.package_name }}.engine import static as static
# {% if "database" in parts %}
from {{ cookiecutter.package_name }}.engine.databases import gate as gate
from {{ cookiecutter.package_name }}.engine.databases import invalidation as invalidation
# {% endif %}
# {% if "stored_sessions" in parts %}
from {{ cookiecutter.package_name }}.engine.sessions import interface as interface
from {{ cookiecutter.package_name }}.engine.sessions import merge as merge
from {{ cookiecutter.package_name }}.engine.sessions import stores as stores
# {% else %}
from {{ cookiecutter.package_name }}.engine.sessions import cookie as cookie
# {% endif %}
from {{ cookiecutter.package_name }}.settings import load_settings as load_settings
