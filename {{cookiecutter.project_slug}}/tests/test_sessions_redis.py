"""Sessions in Redis: what goes over the wire, and when it is forgotten."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, session

from .conftest import MakeApp
from .visitor import Visitor, look, nothing


@pytest.fixture
def alice(make_app: MakeApp) -> Visitor:
    visitor = Visitor(make_app())
    visitor.do(lambda: session.update(user="alice"))
    return visitor


def store(app: Flask) -> Any:
    interface: Any = app.session_interface
    return interface.store


def key(visitor: Visitor) -> str:
    interface: Any = visitor.app.session_interface
    name: str = interface._get_store_id(visitor.sid)
    return name


def commands(visitor: Visitor, work: Callable[[], object]) -> list[str]:
    """What the server was asked about this visitor's session meanwhile, as MONITOR shows it."""
    seen: list[str] = []
    client = store(visitor.app)._client
    with client.monitor() as monitor:
        work()
        client.echo(key(visitor))  # the last line to wait for
        for line in monitor.listen():
            name = line["command"].partition(" ")[0]
            if name == "ECHO" and key(visitor) in line["command"]:
                return seen
            if key(visitor) in line["command"] and line["client_type"] != "lua":
                seen.append(name)
    return seen


def test_a_request_costs_no_command_one_or_two(alice: Visitor) -> None:
    assert commands(alice, lambda: alice.do(nothing)) == []
    assert commands(alice, lambda: alice.do(look)) == ["GETEX"]
    assert commands(alice, lambda: alice.do(lambda: session.update(x=1))) == ["GETEX", "EVAL"]
    assert commands(alice, lambda: alice.client.get("/tests/cached")) == []


def test_a_session_lives_for_its_lifetime_after_each_use(alice: Visitor) -> None:
    client, lifetime = store(alice.app)._client, store(alice.app)._lifetime
    assert lifetime - 5 < client.ttl(key(alice)) <= lifetime
    for view in (look, lambda: session.update(x=1)):
        client.expire(key(alice), 100)
        alice.do(nothing)
        assert client.ttl(key(alice)) <= 100
        alice.do(view)
        assert lifetime - 5 < client.ttl(key(alice)) <= lifetime


def test_an_ended_session_leaves_nothing_behind(alice: Visitor) -> None:
    name = key(alice)
    alice.do(lambda: session.clear())
    assert not store(alice.app)._client.exists(name)
