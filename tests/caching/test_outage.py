"""A cache that is down in every way we know: what the slowest visitor waits, and who is back when.

pytest -n0 -s -k outage tests/caching
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from itertools import product
from pathlib import Path

import httpx
import pytest

from tests import processes
from tests.caching.conftest import Service
from tests.processes import free_port, get
from tests.servers import KINDS, Server

WORKERS = 2
VISITS = 40


class Stoppable(ExitStack):
    """A server that can be started again on its port."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.start()

    def start(self) -> None:
        self.enter_context(self.server.started())


Outage = Callable[[Stoppable], AbstractContextManager[None]]


@contextmanager
def stopped(cache: Stoppable) -> Iterator[None]:
    cache.close()
    yield
    cache.start()


@contextmanager
def replaced(cache: Stoppable) -> Iterator[None]:
    """Somebody else listens there."""

    def answer(listener: socket.socket) -> None:
        with suppress(OSError), ExitStack() as connections:
            while True:
                connection = connections.enter_context(listener.accept()[0])
                connection.sendall(b"220 mail.example ESMTP\r\n" * 4)

    cache.close()
    with socket.create_server(("127.0.0.1", cache.server.port)) as listener:
        thread = threading.Thread(target=answer, args=[listener])
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    cache.start()


@contextmanager
def hung(cache: Stoppable) -> Iterator[None]:
    with processes.stopped(cache.server.process.pid):
        yield


@contextmanager
def read_only(cache: Stoppable) -> Iterator[None]:
    say(cache.server, f"REPLICAOF 127.0.0.1 {free_port()}")
    yield
    say(cache.server, "REPLICAOF NO ONE")


@contextmanager
def full(cache: Stoppable) -> Iterator[None]:
    say(cache.server, "CONFIG SET maxmemory 1")
    yield
    say(cache.server, "CONFIG SET maxmemory 0")


@contextmanager
def locked(cache: Stoppable) -> Iterator[None]:
    say(cache.server, "CONFIG SET requirepass secret", "CLIENT KILL TYPE normal SKIPME yes")
    yield
    say(cache.server, "AUTH secret", 'CONFIG SET requirepass ""')


def say(server: Server, *lines: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        answers = connection.makefile()
        for line in lines:
            connection.sendall(f"{line}\r\n".encode())
            assert not answers.readline().startswith("-"), line


def visit(client: httpx.Client, path: str = "/") -> tuple[float, str]:
    """Seconds and Cache-Status, on a connection that any worker may take."""
    begun = time.monotonic()
    answer = get(client.base_url.join(path))
    assert answer.status_code == 200
    return time.monotonic() - begun, answer.headers["Cache-Status"]


@pytest.mark.run
@pytest.mark.parametrize(
    ("backend", "outage"),
    [
        *product(["redis"], [stopped, hung, replaced, read_only, full, locked]),
        *product(["memcached", "mongodb"], [stopped, hung, replaced]),
    ],
)
def test_an_outage_costs_half_a_second_once(
    service: Service, backend: str, outage: Outage, tmp_path: Path
) -> None:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o777)
    project = service(backend)
    server = KINDS[backend](tmp_path)
    variables = {"CACHE_URL": server.url, "WEB_CONCURRENCY": str(WORKERS)}

    with Stoppable(server) as cache, project.serving(**variables) as client:

        def said() -> str:
            return project.log(client).read_text()

        for _ in range(10 * WORKERS):  # every worker has a connection
            visit(client)
        assert "hit" in visit(client)[1]
        usual = max(visit(client, f"/?q=before{number}")[0] for number in range(VISITS))

        with outage(cache):
            seconds = [visit(client, f"/?q={number}")[0] for number in range(VISITS)]
            ready = get(client.base_url.join("/readyz"))
            assert (ready.status_code, ready.json()["status"]) == (200, "degraded")

        ended = time.monotonic()
        while said().count("The cache is back") < WORKERS:  # every worker has found it
            assert time.monotonic() - ended < 5
            time.sleep(0.02)
        back = time.monotonic() - ended
        answers = [visit(client)[1] for _ in range(5 * WORKERS)]
        assert "hit" in answers[-1]
    print(
        f"{backend} {outage.__name__}: longest {max(seconds):.2f} s instead of {usual:.2f} s, "
        f"back after {back:.1f} s"
    )
    assert max(seconds) < 0.5 + 4 * usual
    # One request of each worker found out.
    assert said().count("The cache is down") == said().count("The cache is back") == WORKERS
