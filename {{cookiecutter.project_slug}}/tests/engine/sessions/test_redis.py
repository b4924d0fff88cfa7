"""Sessions in Redis: what goes over the wire, and when the server forgets them."""

from collections.abc import Callable

import pytest
from flask import session

from ..visitor import Visitor, logout, look, nothing
from .store import key, store_of

pytestmark = pytest.mark.usefixtures("patient")


def commands(visitor: Visitor, work: Callable[[], object]) -> list[str]:
    """What the server was asked about this visitor's session meanwhile, as MONITOR shows it."""
    seen: list[str] = []
    name = key(visitor)
    client = store_of(visitor.app)._client
    with client.monitor() as monitor:
        work()
        client.echo(name)  # the last line to wait for
        for line in monitor.listen():
            command = line["command"].partition(" ")[0]
            if command == "ECHO" and name in line["command"]:
                return seen
            if name in line["command"] and line["client_type"] != "lua":
                seen.append(command)
    return seen


def test_a_request_costs_no_command_one_or_two(alice: Visitor) -> None:
    assert commands(alice, lambda: alice.do(nothing)) == []
    assert commands(alice, lambda: alice.do(look)) == ["GETEX"]
    assert commands(alice, lambda: alice.do(lambda: session.update(x=1))) == ["GETEX", "EVAL"]
    assert commands(alice, lambda: alice.do(logout)) == ["DEL"]


def test_a_session_lives_for_its_lifetime_after_each_use(alice: Visitor) -> None:
    client, lifetime = store_of(alice.app)._client, store_of(alice.app)._lifetime
    assert lifetime - 5 < client.ttl(key(alice)) <= lifetime
    for view in (look, lambda: session.update(x=1)):
        client.expire(key(alice), 100)
        alice.do(nothing)
        assert client.ttl(key(alice)) <= 100
        alice.do(view)
        assert lifetime - 5 < client.ttl(key(alice)) <= lifetime


def test_an_ended_session_leaves_nothing_behind(alice: Visitor) -> None:
    for end in (logout, lambda: [session.pop(held) for held in list(session)]):
        alice.do(lambda: session.update(user="alice"))
        name = key(alice)
        alice.do(end)
        assert not store_of(alice.app)._client.exists(name)


def test_a_server_with_a_limit_tells_how_much_of_it_is_used(alice: Visitor) -> None:
    store = store_of(alice.app)
    used = {}
    before = store._client.config_get("maxmemory*")
    store._client.config_set("maxmemory", 2 * store._client.info("memory")["used_memory"])
    for policy in ("noeviction", "volatile-ttl"):  # which makes room by itself
        store._client.config_set("maxmemory-policy", policy)
        used[policy] = store.used()
    for name in ("maxmemory", "maxmemory-policy"):
        store._client.config_set(name, before[name])
    assert 0.3 < used["noeviction"] < 0.7
    assert used["volatile-ttl"] == 0
