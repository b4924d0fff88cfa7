"""Flask's `session`: call `regenerate` at every login, and `session.clear()` to log out."""

from typing import Any

from flask import Flask, current_app, session

from ..settings import Settings
# {% if cookiecutter.session_store == "cookie" %}
from .cookie import SessionInterface
# {% elif cookiecutter.session_store == "filesystem" %}
from .filesystem import FilesystemStore as Store
# {% endif %}
# {% if cookiecutter.session_store != "cookie" %}
from .interface import SessionInterface
# {% endif %}
# {% if cookiecutter.session_store == "memcached" %}
from .memcached import MemcachedStore as Store
# {% elif cookiecutter.session_store == "redis" %}
from .redis import RedisStore as Store
# {% elif cookiecutter.session_store == "sql" %}
from .sql import SqlStore as Store
# {% endif %}


def init_sessions(app: Flask, settings: Settings) -> None:
    """Nothing connects before a session is used."""
    # {% if cookiecutter.session_store == "cookie" %}
    app.session_interface = SessionInterface()
    # {% else %}
    app.config.setdefault("SESSION_KEY_PREFIX", "{{ cookiecutter.project_slug }}:session:")
    store = Store(settings.session_url.get_secret_value(), settings.session_lifetime)
    app.session_interface = SessionInterface(app, store)
    # {% endif %}


def regenerate() -> None:
    # {% if cookiecutter.session_store == "cookie" %}
    """Sign the cookie anew. At a login, all the same: in another store the id must change."""
    # {% else %}
    """Give the visitor's session a new id; the old one dies. At a login, and when rights change.

    Otherwise whoever made a visitor use an id of their own choice would be signed in along with
    them (session fixation).
    """
    # {% endif %}
    interface: Any = current_app.session_interface  # which Flask does not know to be one of ours
    interface.regenerate(session)
