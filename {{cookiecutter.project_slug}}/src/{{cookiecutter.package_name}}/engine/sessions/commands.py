"""`flask sessions prune`, for the stores that do not forget expired sessions by themselves."""

from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

session_commands = AppGroup("sessions", help="Look after the session store.")


@session_commands.command("prune")
def prune_sessions() -> None:
    """Remove the sessions that have expired."""
    interface: Any = current_app.session_interface
    try:
        click.echo(f"Removed {interface.store.prune()} expired sessions.")
    except interface.store.errors as error:
        raise click.ClickException("The session store is busy, or cannot be reached.") from error
