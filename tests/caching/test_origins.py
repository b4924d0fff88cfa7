"""A server that is not what it was: it crashed, has an older snapshot, or another one took over."""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from tests.host import ENGINE_TESTS, answers, host
from tests.processes import wait_until
from tests.servers import ROOT, MongoDB, Redis

pytestmark = pytest.mark.run

# Answers a line of stdin each: what `remember` gives, or that something is done.
WORKER = """
import functools
import sys

from flask import Flask

from host.engine.caching import Cache
from host.engine.clients.redis import connect

url = sys.argv[1]
cache, app = Cache(), Flask("host")
app.config.update(SECRET_KEY="of the tests", CACHE_URL=url, CACHE_KEY_PREFIX="test:")
app.config.update(CACHE_DEFAULT_TIMEOUT=300)
cache.init_app(app)
connect = functools.cache(connect)
for line in sys.stdin:
    command, value = line.split()
    with app.app_context():
        if command == "ask":
            print(cache.remember("key", lambda: value, tags=("products",)), flush=True)
        elif command == "invalidate":
            print(cache.invalidate(value), flush=True)
        elif command == "write":
            print(connect(url).set("session", value), flush=True)
"""


class Kept(Redis):
    """Writes a snapshot when it is asked to, and reads it when it starts."""

    def started(self) -> Any:
        if ROOT:
            self.folder.chmod(0o777)
        return super().started()


@contextmanager
def worker(folder: Path, url: str) -> Iterator[Any]:
    """Asks a process that uses the engine's cache."""
    command = [sys.executable, "-c", WORKER, url]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # it would be in the template
    with subprocess.Popen(command, cwd=folder, env=variables, **streams) as process:  # type: ignore[call-overload]

        def ask(line: str) -> str:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            return str(process.stdout.readline().strip())

        yield ask
        process.stdin.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where `host` can be imported."""
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    place = tmp_path / "host"
    place.mkdir()
    host(place, answers("redis", "cookie", "none"))
    return place


def line(url: str) -> Any:
    """A relay, whose far end can be moved."""
    return runpy.run_path(str(ENGINE_TESTS / "line.py"))["Line"](url)  # leaves no bytecode there


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Redis, Redis]]:
    """A server and its replica."""
    with ExitStack() as stack:
        servers = []
        for name in ("one", "two"):
            (place := tmp_path / name).mkdir()
            servers.append(stack.enter_context(Kept(place).started()))
        follow(servers[1], servers[0])
        yield servers[0], servers[1]


@pytest.fixture
def relay(pair: tuple[Redis, Redis]) -> Iterator[Any]:
    """Between the service and the master, until a test moves its far end."""
    relay = line(pair[0].url)
    yield relay
    relay.end()


def follow(replica: Redis, master: Redis) -> None:
    replica.ask(f"REPLICAOF 127.0.0.1 {master.port}")
    wait_until(lambda: replica.ask(f"SET probe:{master.port} 1").startswith("-READONLY"), 10)
    master.ask("SET marker 1")
    wait_until(lambda: replica.ask("EXISTS marker") == ":1", 20)


def test_what_an_older_snapshot_holds_is_void(folder: Path, tmp_path: Path) -> None:
    (place := tmp_path / "server").mkdir()
    server = Kept(place)
    with ExitStack() as first:
        first.enter_context(server.started())
        ask = first.enter_context(worker(folder, server.url))
        assert ask("ask 1") == "1"
        assert server.ask("SAVE") == "+OK"
        ask("invalidate products")
        assert [ask("ask 2"), ask("ask 3")] == ["2", "2"]
        server.process.send_signal(SIGKILL)
        server.process.wait()
        with server.started():
            assert server.ask("DBSIZE") != ":0"  # it has what it had
            assert ask("ask 4") == "4"
            wait_until(lambda: ask("ask 5") == ask("ask 6"), 10)  # the cache is used again
            with worker(folder, server.url) as another:
                assert another("ask 7") == ask("ask 8") != "1"


def test_what_a_replica_missed_before_it_took_over_is_void(
    folder: Path, pair: tuple[Redis, Redis], relay: Any
) -> None:
    one, two = pair
    with worker(folder, relay.near_end) as ask:
        assert ask("ask 1") == "1"
        one.ask("WAIT 1 5000")
        two.ask("REPLICAOF NO ONE")
        ask("invalidate products")
        assert ask("ask 2") == "2"
        relay.server = "127.0.0.1", two.port
        relay.mend()  # its connections end
        assert ask("ask 3") not in ("1", "2")
        with worker(folder, relay.near_end) as another:
            assert another("ask 4") not in ("1", "2")


def test_a_connection_to_what_became_a_replica_is_replaced(
    folder: Path, pair: tuple[Redis, Redis], relay: Any
) -> None:
    one, two = pair
    with worker(folder, relay.near_end) as ask:
        assert ask("ask 1") == "1"
        assert ask("write 1") == "True"
        relay.server = "127.0.0.1", two.port
        two.ask("REPLICAOF NO ONE")
        follow(one, two)
        assert ask("write 2") == "True"  # the connection from before leads to a replica
        ask("invalidate products")
        assert ask("ask 2") == "2"
        assert two.ask("GET session") == "$1"


def test_a_crash_undoes_no_invalidation_and_keeps_what_is_valid(
    folder: Path, tmp_path: Path
) -> None:
    """In MongoDB, which writes what it confirms to its journal first."""
    (place := tmp_path / "server").mkdir()
    server = MongoDB(place)
    with ExitStack() as first:
        first.enter_context(server.started())
        ask = first.enter_context(worker(folder, server.url))
        assert ask("ask 1") == "1"
        ask("invalidate products")
        crash(server)
        with server.started():
            seen: list[str] = []

            def settled() -> bool:
                seen.append(ask(f"ask {len(seen) + 2}"))
                return seen[-1] in seen[:-1]

            wait_until(settled)
            assert "1" not in seen
            crash(server)
        with server.started():
            wait_until(lambda: ask("ask again") == seen[-1])


def crash(server: MongoDB) -> None:
    server.process.send_signal(SIGKILL)
    server.process.wait()
