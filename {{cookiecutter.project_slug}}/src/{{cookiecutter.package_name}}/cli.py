"""The service's `flask` commands. Add your own here."""

from flask import Flask


def init_cli(app: Flask) -> None:
    """Add the commands to `flask`: those of the backends first."""
    for backend in app.extensions["backends"].values():
        for command in getattr(backend, "commands", ()):
            app.cli.add_command(command)
