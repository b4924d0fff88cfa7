"""Sessions in Memcached: what goes over the wire, and what is too much."""

from typing import Any

import pytest
from flask import session

from ..visitor import Visitor, everything, look, nothing, pass_time
from .conftest import MakeApp
from .store import store_of

pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture
def commands(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the server is asked: each command, and its arguments."""
    client = store_of(alice.app)._client
    asked: list[tuple[Any, ...]] = []

    def note(command: str) -> None:
        run = getattr(client, command)

        def noted(*arguments: Any) -> Any:
            asked.append((command, *arguments))
            return run(*arguments)

        monkeypatch.setattr(client, command, noted)

    for command in ("gets", "cas", "set", "delete"):
        note(command)
    return asked


def test_a_request_costs_no_command_one_or_two(
    alice: Visitor, commands: list[tuple[Any, ...]]
) -> None:
    alice.do(nothing)
    assert commands == []
    alice.do(look)
    assert [command for command, *_ in commands] == ["gets"]
    alice.do(lambda: session.update(x=1))
    assert [command for command, *_ in commands[1:]] == ["gets", "cas"]


def test_a_session_in_use_outlives_its_lifetime_for_a_command_now_and_then(
    alice: Visitor, commands: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lifetime = int(alice.app.permanent_session_lifetime.total_seconds())
    pass_time(monkeypatch, seconds=lifetime * 0.2)
    alice.do(look)
    alice.do(look)
    assert [command for command, *_ in commands] == ["gets", "cas", "gets"]
    assert commands[1][-1] == lifetime


def test_a_lifetime_of_more_than_30_days_is_understood(make_app: MakeApp) -> None:
    visitor = Visitor(make_app(PERMANENT_SESSION_LIFETIME=31 * 24 * 3600))
    visitor.do(lambda: session.update(user="alice"))
    assert visitor.do(look) == "alice"


def test_what_is_too_large_is_an_error_and_what_was_there_stays(alice: Visitor) -> None:
    before = alice.do(everything)
    for visitor in (alice, Visitor(alice.app)):
        with pytest.raises(ValueError, match="is more than Memcached takes"):
            visitor.request(lambda: session.update(large="x" * 1_100_000))
    assert alice.do(everything) == before
    alice.do(lambda: session.update(large="x" * 900_000))
    assert alice.do(lambda: len(session["large"])) == 900_000
