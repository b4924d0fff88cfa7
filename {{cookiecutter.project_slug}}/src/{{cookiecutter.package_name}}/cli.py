"""The service's `flask` commands. Add your own here."""

from flask import Flask
# {% if cookiecutter.cache_backend != "none" or cookiecutter.session_store in ("filesystem", "sql") %}

# {% endif %}
# {% if cookiecutter.cache_backend == "simple" %}
from .engine.caching.in_process import cache_commands
# {% elif cookiecutter.cache_backend != "none" %}
from .engine.caching.commands import cache_commands
# {% endif %}
# {% if cookiecutter.session_store in ("filesystem", "sql") %}
from .engine.sessions.commands import session_commands
# {% endif %}


def init_cli(app: Flask) -> None:
    """Add the commands to `flask`."""
    # {% if cookiecutter.cache_backend != "none" %}
    app.cli.add_command(cache_commands)
    # {% endif %}
    # {% if cookiecutter.session_store in ("filesystem", "sql") %}
    app.cli.add_command(session_commands)
    # {% endif %}
