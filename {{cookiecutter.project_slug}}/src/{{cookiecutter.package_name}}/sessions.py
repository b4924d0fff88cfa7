"""Where Flask's `session` is kept. Call `regenerate` at a login, `session.clear()` at a logout.

# {% if cookiecutter.session_store == "cookie" %}
How it works: engine/sessions/cookie.py.
# {% else %}
How it works, and what happens when requests share a session: engine/sessions/interface.py.
# {% endif %}
"""

from typing import Any

from flask import Flask, current_app, session

# {% if cookiecutter.session_store == "cookie" %}
from .engine.sessions.cookie import CookieSessions
# {% else %}
from .engine.sessions.interface import StoredSessions
from .engine.sessions.stores import open_store
# {% endif %}
from .settings import Settings


def init_sessions(app: Flask, settings: Settings) -> None:
    # {% if cookiecutter.session_store == "cookie" %}
    """Keep sessions in a signed cookie, which anybody can read. There is no store."""
    app.session_interface = CookieSessions()
    # {% else %}
    """Keep sessions in the store that SESSION_URL names. Nothing connects before the first use."""
    lifetime = int(app.permanent_session_lifetime.total_seconds())
    store = open_store(settings.session_url.get_secret_value(), lifetime)
    app.config.setdefault("SESSION_KEY_PREFIX", "{{ cookiecutter.project_slug }}:session:")
    app.session_interface = StoredSessions(store, app.config["SESSION_KEY_PREFIX"])
    app.extensions["backends"]["sessions"] = app.session_interface
    # {% endif %}


def regenerate() -> None:
    # {% if cookiecutter.session_store == "cookie" %}
    """Sign the cookie again. Call it at each login, because a session in a store needs it."""
    # {% else %}
    """Give the session a new id and end the old one. Call it at a login, and when rights change.

    Without it, an attacker who made a visitor use a known id would share the visitor's login
    (session fixation).
    """
    # {% endif %}
    interface: Any = current_app.session_interface  # Flask's type has no `regenerate`
    interface.regenerate(session)
