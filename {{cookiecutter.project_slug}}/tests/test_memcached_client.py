"""The Memcached client: which URLs it understands, and that it never answers for a dead server."""

import importlib
import socket
import time
from typing import Any

import pytest

from . import create_app

memcached_client: Any = importlib.import_module(".memcached_client", create_app.__module__)


def test_a_url_names_one_server_or_several() -> None:
    client = memcached_client.connect("memcached://one,two:11300,[::1]:11400")
    servers = [pool.server for pool in client.clients.values()]
    assert servers == [("one", 11211), ("two", 11300), ("::1", 11400)]


@pytest.mark.parametrize(
    "url", ["memcached://", "memcached://one,", "memcached://one:port", "memcached://me:secret@one"]
)
def test_a_url_that_cannot_be_read_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="A Memcached URL cannot be read") as refusal:
        memcached_client.connect(url)
    assert "secret" not in str(refusal.value)


def test_a_server_that_does_not_answer_is_an_error_each_time_and_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], 1):
            client = memcached_client.connect(f"memcached://127.0.0.1:{port}")
            for _ in range(3):
                started = time.monotonic()
                with pytest.raises(OSError, match=r"timed out|refused"):
                    client.get("key")
                assert time.monotonic() - started < 1
