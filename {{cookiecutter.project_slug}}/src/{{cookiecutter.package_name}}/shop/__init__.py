"""The example: a catalogue, its JSON API and a cart. README.md says how to delete it."""

from flask import Flask

# {% if cookiecutter.database == "none" %}
from . import api, cart, pages
# {% else %}
from . import api, cart, cli, pages, writes
# {% endif %}


def init_shop(app: Flask) -> None:
    """Register the example's routes."""
    app.register_blueprint(pages.bp)
    app.register_blueprint(api.bp)
    app.register_blueprint(cart.bp)
    # {% if cookiecutter.database != "none" %}
    app.register_blueprint(writes.bp)
    app.cli.add_command(cli.shop)
    # {% endif %}
