"""The commands of the service."""

from flask import Flask


def test_the_commands_of_each_backend_are_there(app: Flask) -> None:
    backends = app.extensions["backends"].values()
    groups = [found for backend in backends if (found := getattr(backend, "commands", None))]
    for group in groups:
        assert group in app.cli.commands.values()
        said = app.test_cli_runner().invoke(args=[group.name, "--help"]).output
        assert all(command in said for command in group.commands)
