"""The Memcached client: which URLs it takes, and that it never answers for a dead server."""

import importlib
import socket
from importlib.metadata import version
from typing import Any

import pytest
from pymemcache.client.hash import HashClient

from ..hub import clients
from ..waiting import Stopwatch

memcached: Any = importlib.import_module(".memcached", clients.__name__)


def test_a_url_names_one_server_or_several() -> None:
    client = memcached.connect("memcached://one,two:11300,[::1]:11400")
    servers = [pool.server for pool in client.clients.values()]
    assert servers == [("one", 11211), ("two", 11300), ("::1", 11400)]


@pytest.mark.parametrize(
    "url", ["memcached://", "memcached://one,", "memcached://one:port", "memcached://me:secret@one"]
)
def test_a_url_that_cannot_be_read_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="is no Memcached URL") as refusal:
        memcached.connect(url)
    assert "secret" not in str(refusal.value)


def test_a_server_that_does_not_answer_is_an_error_each_time_and_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], 1):
            client = memcached.connect(f"memcached://127.0.0.1:{port}")
            for _ in range(3):
                with Stopwatch() as watch, pytest.raises(OSError, match=r"timed out|refused"):
                    client.get("key")
                assert watch.seconds < 1


def test_the_private_name_of_the_library_is_in_its_place() -> None:
    assert hasattr(HashClient, "_safely_run_func"), (
        f"pymemcache {version('pymemcache')} has no HashClient._safely_run_func any more: "
        "engine/clients/memcached.py overrides it."
    )
