"""Invalidation under load, and what a hit costs the server."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.caching.conftest import BACKENDS, PROOF, Service, each
from tests.project import PATIENT
from tests.servers import Memcached


@pytest.mark.run
@each("filesystem", "redis", "memcached", "mongodb")
@pytest.mark.parametrize("how", ["invalidate", "delete"])
def test_nobody_reads_what_was_changed_before(service: Service, backend: str, how: str) -> None:
    seen = json.loads(service(backend).run(f"uv run python proof.py {how}").splitlines()[-1])
    print(backend, how, seen)
    assert seen["stale"] == 0
    assert seen["reads"] >= 10_000
    assert seen["writes"] >= 100


HITS = 10  # of each kind: a tagged page, a tagged value, a memoized function


def hit(client: httpx.Client) -> None:
    for _ in range(HITS):
        assert "hit" in client.get("/tagged").headers["Cache-Status"]
        assert client.get("/hits").text == "1a"


def warm(client: httpx.Client) -> None:
    client.get("/tagged")
    client.get("/hits")


@contextmanager
def monitor(url: str) -> Iterator[list[str]]:
    """The commands that a Redis server is sent during the block, complete when it ends."""
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    commands: list[str] = []
    with socket.create_connection(("127.0.0.1", port), 10) as spy, spy.makefile() as lines:
        spy.sendall(b"MONITOR\r\n")
        assert lines.readline() == "+OK\n"
        yield commands
        with socket.create_connection(("127.0.0.1", port), 10) as other:
            other.sendall(b"ECHO that-is-all\r\n")
            while '"ECHO" "that-is-all"' not in (line := lines.readline()):
                commands += re.findall(r'\] "(\w+)"', line)


@pytest.mark.run
@each("redis")
def test_a_hit_is_one_command(service: Service, backend: str) -> None:
    project = service(backend)
    with project.serving(PATIENT, PROOF, WEB_CONCURRENCY="1") as client:
        warm(client)
        with monitor(project.variables["CACHE_URL"]) as commands:
            hit(client)
    assert commands == ["MGET"] * 3 * HITS


@pytest.mark.run
@each("memcached")
def test_a_hit_is_one_command_of_the_text_protocol_too(
    service: Service, backend: str, tmp_path: Path
) -> None:
    tmp_path.parent.chmod(0o755)
    server = Verbose(tmp_path)
    variables = {"WEB_CONCURRENCY": "1", "CACHE_URL": server.url}
    with server.started(), service(backend).serving(PATIENT, PROOF, **variables) as client:
        warm(client)
        before = len(server.commands())
        hit(client)
        commands = server.commands()[before:]
    assert commands == ["get"] * 3 * HITS


class Verbose(Memcached):
    """It says what it is asked."""

    def arguments(self) -> list[str]:
        return [*super().arguments(), "-vv"]

    def commands(self) -> list[str]:
        return re.findall(
            r"^<\d+ (get|gets|set|add|delete)\b", (self.folder / "log").read_text(), re.M
        )


@pytest.mark.run
@each(*BACKENDS)
def test_stats_are_those_of_all_workers(service: Service, backend: str) -> None:
    project = service(backend)
    workers = "1" if backend == "simple" else "2"
    with project.serving(PATIENT, PROOF, WEB_CONCURRENCY=workers) as client:
        warm(client)
        hit(client)
        with httpx.Client(
            base_url=client.base_url, verify=False
        ) as another:  # perhaps of the other worker
            hit(another)
        said = project.run("uv run flask cache stats", PORT=str(client.base_url.port))
    endpoint, hits, misses, *_, saved, unit = said.splitlines()[-2].split()
    assert (endpoint, hits, misses, unit) == ("all", f"{2 * 3 * HITS}", "3", "s"), said
    assert float(saved) >= 0, said
    assert re.search(r"^[1-9]\d* entries, [1-9][\d,]* bytes$", said, re.M), said


FOREIGN = 1_000_000


@pytest.mark.run
@each("redis")
def test_clear_leaves_a_million_foreign_keys_alone(service: Service, backend: str) -> None:
    project = service(backend)
    url = project.variables["CACHE_URL"]
    lua = f"for i = 1, {FOREIGN} do redis.call('SET', 'foreign:' .. i, 'x') end"
    ask(url, "EVAL", lua, "0")
    with project.serving(PATIENT, PROOF) as client:
        warm(client)
        hit(client)
        with monitor(url) as commands:
            begun = time.monotonic()
            project.run("uv run flask cache clear")
            seconds = time.monotonic() - begun
        assert "miss" in client.get("/tagged").headers["Cache-Status"]
    greeting = ("SELECT", "CLIENT", "INFO")  # of a new connection
    assert [command for command in commands if command not in greeting] == ["DEL"]
    assert int(ask(url, "DBSIZE")[1:]) > FOREIGN
    print(f"clear beside {FOREIGN} keys: {seconds:.2f} s with the start of the command")
    ask(url, "FLUSHALL")


def ask(url: str, *words: str) -> str:
    """The first line of a Redis server's answer."""
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    request = b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(b"*%d\r\n%s" % (len(words), request))
        return connection.makefile().readline().strip()
