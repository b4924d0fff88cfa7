"""The Redis client: which URLs it takes, where they lead, and how long it waits."""

import importlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import RedisError

from ..hub import clients, engine, load_settings
from ..waiting import Stopwatch

redis: Any = importlib.import_module(".redis", clients.__name__)


@pytest.fixture
def url() -> str:
    """A server's: that of the sessions, or else that of the cache."""
    settings: Any = load_settings()
    urls = (getattr(settings, name, None) for name in ("session_url", "cache_url"))
    texts = (str(url.get_secret_value()) for url in urls if url)
    return next(text for text in texts if text.startswith("redis"))


def resp(value: object) -> bytes:
    """A value as the server would write it (RESP 2)."""
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, str):
        return b"$%d\r\n%s\r\n" % (len(value), value.encode())
    assert isinstance(value, list)
    return b"*%d\r\n" % len(value) + b"".join(map(resp, value))


@pytest.fixture
def guide(url: str) -> Iterator[str]:
    """`host:port` of a listener that says where the server is, as a Sentinel or a node does."""
    server = urlsplit(url)
    host, port = "127.0.0.1", server.port or 6379
    master = {"name": "mymaster", "ip": host, "port": str(port), "flags": "master"}
    master |= {"num-other-sentinels": "0"}
    answers = {
        b"MASTERS": resp([[part for item in master.items() for part in item]]),
        b"SLOTS": resp([[0, 16383, [host, port, "node"]]]),
    }
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=talk, args=[connection], daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection:
            while asked := connection.recv(4096):
                known = [reply for word, reply in answers.items() if word in asked]
                connection.sendall(known[0] if known else b"+OK\r\n")

    threading.Thread(target=answer, daemon=True).start()
    yield "{}:{}".format(*listener.getsockname())
    listener.close()


def use(client: Any) -> None:
    key = f"test:{os.urandom(8).hex()}"
    assert client.set(key, b"\xff", ex=5)
    assert client.getex(key, ex=5) == b"\xff"
    assert client.delete(key) == 1


def test_one_server_a_sentinels_master_and_a_cluster_are_reached(url: str, guide: str) -> None:
    login, at, _ = urlsplit(url).netloc.rpartition("@")
    use(redis.connect(url))
    use(redis.connect(f"redis+sentinel://{login}{at}127.0.0.1:1,{guide}/0"))
    use(redis.connect(f"redis+cluster://{login}{at}{guide}"))


def test_a_url_says_everything_about_a_connection() -> None:
    plain = options("redis://user:p%40ss@[::1]:7000/3")
    assert (plain["host"], plain["port"], plain["db"]) == ("::1", 7000, 3)
    assert (plain["username"], plain["password"]) == ("user", "p@ss")
    assert options("unix:///run/redis.sock?db=2")["path"] == "/run/redis.sock"
    assert options("rediss://host/0?ssl_ca_certs=/ca.pem")["ssl_ca_certs"] == "/ca.pem"
    assert options("redis://host?socket_timeout=2")["socket_timeout"] == 2

    watched = redis.connect(
        "redis+sentinel://user:pw@a,b:27000/1?service_name=shop&sentinel_password=guard&ssl_ca_certs=/c"
    ).connection_pool
    guards = watched.sentinel_manager.sentinels
    assert watched.service_name == "shop"
    assert watched.connection_kwargs["password"] == "pw"
    assert watched.connection_kwargs["db"] == 1
    found = [guard.connection_pool.connection_kwargs for guard in guards]
    assert [(guard["host"], guard["port"]) for guard in found] == [("a", 26379), ("b", 27000)]
    assert {guard["password"] for guard in found} == {"guard"}
    assert {guard["ssl_ca_certs"] for guard in found} == {"/c"}


def test_hosts_may_be_ipv6_addresses() -> None:
    pool = redis.connect("redis+sentinel://user:pw@a,[::1]:27000,[::2]/1").connection_pool
    guards = [g.connection_pool.connection_kwargs for g in pool.sentinel_manager.sentinels]
    found = [(guard["host"], guard["port"]) for guard in guards]
    assert found == [("a", 26379), ("::1", 27000), ("::2", 26379)]
    urls = importlib.import_module(".urls", engine.__name__)
    urls.check("redis+cluster://user:pw@[::1]:7000,[::2]:7001", redis.SCHEMES)


def options(url: str) -> dict[str, Any]:
    found: dict[str, Any] = redis.connect(url).connection_pool.connection_kwargs
    return found


@pytest.mark.parametrize(
    "url",
    [
        "redis://:pa/ss@host:6379/0",
        "redis://user:secret@host:port/0",
        "redis://:secret@host/zero",
        "redis://:secret@host/0?unknown=1",
        "redis://:secret@host/0?socket_timeout=soon",
        "redis+sentinel://:se#cret@a,b/0",
        "redis+cluster://:secret@a,b/1",
        "redis://[::1/0",
        "redis://",
        "redis://:secret@/0",
        "redis+cluster://:secret@a,/0",
        "rediss://:secret@host/0?ssl_cert_reqs=CERT_NONE",
    ],
)
def test_a_url_that_cannot_be_read_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="is no Redis URL") as refusal:
        redis.connect(url)
    assert "cret" not in str(refusal.value)
    assert "pa" not in str(refusal.value).split()
    assert refusal.value.__suppress_context__


@pytest.mark.parametrize("scheme", ["redis", "redis+sentinel", "redis+cluster"])
def test_nobody_waits_long_for_a_server_that_is_closed_or_silent(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], 1):
            with pytest.raises(Exception) as failure, Stopwatch() as watch:  # noqa: PT011
                redis.connect(f"{scheme}://127.0.0.1:{port}").get("key")
            assert watch.seconds < 1  # the library would take 5 seconds, or 58
            assert isinstance(failure.value, RedisError) or "Cluster" in str(failure.value)
