"""`create_app` builds the service."""

import tomllib
from datetime import timedelta

from flask import Flask

from .caching import init_caching
from .cli import init_cli
# {% if cookiecutter.database != "none" %}
from .database import init_database
# {% endif %}
from .engine.static import init_static
from .errors import init_errors
from .health import init_health
from .logging import init_logging
from .metrics import init_metrics
from .security import init_security
from .sessions import init_sessions
from .settings import Settings, load_settings
from .shop import init_shop


def create_app(overrides: dict[str, object] | None = None) -> Flask:
    """Build the service. `overrides` win over the environment: settings, or keys of `app.config`.

    Nothing connects here, so the service starts while its servers are down. Raises SystemExit
    with one sentence for each bad setting.
    """
    overrides = overrides or {}
    known = {name for name in overrides if name.lower() in Settings.model_fields}
    settings = load_settings({name: overrides[name] for name in known})
    app = Flask(__name__)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.extensions["settings"] = settings
    app.extensions["backends"] = {}  # each has what it can of `ping`, `commands` and `watch`
    app.config.from_file("about.toml", tomllib.load, text=False)
    cookie = "{{ cookiecutter.project_slug }}"  # services on one host share cookies
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SECRET_KEY_FALLBACKS=[key.get_secret_value() for key in settings.secret_key_fallbacks],
        TESTING=settings.app_env == "testing",
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=settings.session_lifetime),
        # Browsers accept a cookie with this prefix over TLS only, and from this host only.
        SESSION_COOKIE_NAME=f"__Host-{cookie}" if settings.production else cookie,
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_SECURE=settings.production,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.config.update({name: overrides[name] for name in overrides.keys() - known})
    init_logging(app)
    init_errors(app)
    # {% if cookiecutter.database != "none" %}
    init_database(app, settings)
    # {% endif %}
    init_caching(app, settings)
    init_sessions(app, settings)
    init_metrics(app)
    init_security(app)
    init_static(app)
    init_health(app)
    init_cli(app)
    init_shop(app)
    return app
