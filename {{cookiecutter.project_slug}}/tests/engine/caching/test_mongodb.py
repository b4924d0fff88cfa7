"""The cache in MongoDB: what goes over the wire, what is too large, and what has expired."""

import pytest
from flask import Flask

from ..mongodb import client, listen
from .conftest import MakeApp
from .support import breaker, pass_time, store

pytestmark = pytest.mark.usefixtures("patient")


def test_each_operation_is_one_command(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = listen(monkeypatch)
    keys = [f"key {number}" for number in range(120)]  # a first answer has 101
    with make_app().app_context():
        store().set_many(dict.fromkeys(keys, b"x" * 1000), 60)
        store().set("key 1", b"x" * 1000, 60)
        assert commands.names == ["update", "update"]
        commands.names.clear()
        assert store().get_many(*keys) == [b"x" * 1000] * 120
        assert store().add("key 1", b"", 60) is False
        store().delete_many(*keys)
        assert commands.names == ["find", "update", "delete"]
        journaled = {"w": "majority", "j": True}
        assert commands.concerns == [journaled, journaled, {"w": "majority"}, journaled]
        assert store().get_many(*keys) == [None] * 120


def test_what_is_too_large_is_not_cached_and_the_log_says_so(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    largest = client.LARGEST
    with app.app_context():
        key = f"{breaker().prefix}{'x' * 100}"
        assert breaker().set(key, b"x" * largest, 60)
        assert [len(found) for found in breaker().get_many(key)] == [largest]
        assert not breaker().set(key, b"x" * (largest + 1), 60)
        assert not breaker().open
        breaker().delete_many(key)
    assert f"{largest + 1} bytes are not cached" in caplog.text


def test_what_has_expired_is_not_there_before_the_server_deletes_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        key = f"{breaker().prefix}key"
        assert store().add(key, b"old", 60)
        assert not store().add(key, b"new", 60)
        pass_time(monkeypatch, seconds=61)
        assert store().get_many(key) == [None]
        assert store().add(key, b"new", 60)
        assert store().get_many(key) == [b"new"]
        store().delete_many(key)
