"""Sessions in Memcached: what goes over the wire, and what is too much."""

from typing import Any

import pytest
from flask import session

from .conftest import MakeApp
from .visitor import Visitor, everything, look, nothing, pass_time


@pytest.fixture
def alice(make_app: MakeApp) -> Visitor:
    visitor = Visitor(make_app())
    visitor.do(lambda: session.update(user="alice"))
    return visitor


@pytest.fixture
def commands(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """What the server is asked, with the arguments after the key."""
    interface: Any = alice.app.session_interface
    client = interface.store._client
    asked: list[tuple[str, tuple[Any, ...]]] = []
    run = client._run_cmd

    def note(command: str, key: str, default: object, *args: Any, **options: Any) -> Any:
        asked.append((command, args))
        return run(command, key, default, *args, **options)

    monkeypatch.setattr(client, "_run_cmd", note)
    return asked


def test_a_request_costs_no_command_one_or_two(
    alice: Visitor, commands: list[tuple[str, tuple[Any, ...]]]
) -> None:
    alice.do(nothing)
    assert commands == []
    alice.do(look)
    assert [command for command, _ in commands] == ["gets"]
    alice.do(lambda: session.update(x=1))
    assert [command for command, _ in commands[1:]] == ["gets", "cas"]


def test_a_session_in_use_outlives_its_lifetime_for_a_command_now_and_then(
    alice: Visitor,
    commands: list[tuple[str, tuple[Any, ...]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lifetime = int(alice.app.permanent_session_lifetime.total_seconds())
    pass_time(monkeypatch, seconds=lifetime * 0.2)
    alice.do(look)
    alice.do(look)
    assert [command for command, _ in commands] == ["gets", "cas", "gets"]
    assert commands[1][1][2] == lifetime


def test_a_lifetime_of_more_than_30_days_is_understood(make_app: MakeApp) -> None:
    visitor = Visitor(make_app(SESSION_LIFETIME=31 * 24 * 3600))
    visitor.do(lambda: session.update(user="alice"))
    assert visitor.do(look) == "alice"


def test_what_is_too_large_is_an_error_and_what_was_there_stays(alice: Visitor) -> None:
    for visitor in (alice, Visitor(alice.app)):
        with pytest.raises(ValueError, match="is more than Memcached takes"):
            visitor.request(lambda: session.update(large="x" * 1_100_000))
    assert alice.do(everything) == {"user": "alice"}
    alice.do(lambda: session.update(large="x" * 900_000))
    assert alice.do(lambda: len(session["large"])) == 900_000
