"""Probes tell in the log when a backend stops answering, and when it answers again."""

import time

import pytest
from flask import Flask

from .hub import probes


def test_the_log_tells_of_each_change_once(caplog: pytest.LogCaptureFixture) -> None:
    away = [False, False, True, True, True, False, False]

    def ping() -> None:
        if away.pop(0):
            raise ConnectionError("password")

    check = probes.Check(Flask(__name__), "database", ping)
    while away:
        check.begin()
        check.result(time.monotonic() + 5)

    assert [record.getMessage() for record in caplog.records] == [
        "A backend does not answer: database, ConnectionError",
        "A backend answers again: database",
    ]
