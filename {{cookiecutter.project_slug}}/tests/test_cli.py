"""The commands of the service."""

from flask import Flask


def test_the_commands_of_each_backend_are_there(app: Flask) -> None:
    for backend in app.extensions["backends"].values():
        for command in getattr(backend, "commands", ()):
            assert command in app.cli.commands.values()
            assert app.test_cli_runner().invoke(args=[command.name, "--help"]).exit_code == 0
