"""What a MongoDB server is asked."""

import importlib
from typing import Any

import pytest
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from .hub import clients

client: Any = importlib.import_module(".mongodb", clients.__name__)


class Commands(CommandListener):
    """The names of the commands, but for the one that makes an index in the background."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.concerns: list[object] = []  # of the writes

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name != "createIndexes":
            self.names.append(event.command_name)
            self.concerns += [event.command[key] for key in event.command if key == "writeConcern"]

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


def listen(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """The commands of each client that is made from now on."""
    commands = Commands()
    monkeypatch.setattr(client, "ONCE", {**client.ONCE, "event_listeners": [commands]})
    return commands
