"""How long pages take without the cache and with it, for `flask bench`.

The service runs twice, as in production and with one worker each: once with CACHE_URL=null://.
"""

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, NamedTuple

from flask import Flask
from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from werkzeug.routing import Rule
from werkzeug.urls import iri_to_uri

REQUESTS = 200  # for a page, at most
SECONDS = 1.0  # for a page, about
STARTING = 60.0  # seconds that the service may take to start
STOPPING = 30.0
WIDTH = 30  # characters of the longest bar


class BenchError(Exception):
    """A page or the service does not work. The message is a sentence."""


class Compared(NamedTuple):
    path: str
    without: float  # seconds that half of the requests took at most
    cached: float
    status: str  # of the last answer: its Cache-Status, without the name


def cached_paths(app: Flask) -> tuple[str, ...]:
    """The paths of the pages that have no arguments."""
    return tuple(rule.rule for rule in _cached(app) if not rule.arguments)


def rules_with_arguments(app: Flask) -> list[str]:
    return [rule.rule for rule in _cached(app) if rule.arguments]


def measure(package: str, paths: Iterable[str]) -> Iterator[Compared | BenchError]:
    """Run the service twice and ask for the pages: for each, what it took or why it does not work.

    Raises BenchError if the service does not start.
    """
    with running(package, CACHE_URL="null://") as bare, running(package) as cached:
        for path in paths:
            yield _compared(path, bare, cached)


def show(pages: list[Compared]) -> None:
    """Print a bar for each page and way."""
    table = Table.grid(padding=(0, 2))
    longest = max([page.without for page in pages] + [page.cached for page in pages], default=1)
    for page in pages:
        helped = page.status.startswith("hit")
        faster = f"{page.without / page.cached:.1f} times as fast" if helped else "not cached"
        table.add_row(page.path, "without", *_bar(page.without, longest, "yellow"))
        table.add_row("", "cached", *_bar(page.cached, longest, "green"), faster)
    Console(markup=False, emoji=False).print(table, highlight=False)
    for page in pages:
        if not page.status.startswith("hit"):
            print(f"{page.path} is not cached. Its Cache-Status: {page.status}")


def usual(port: int, path: str, requests: int = REQUESTS) -> tuple[float, str]:
    """The median of the seconds that a page takes, and what the cache says. Raises BenchError."""
    times: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    end = time.perf_counter() + SECONDS
    while len(times) < requests and (time.perf_counter() < end or not times):
        begun = time.perf_counter()
        try:
            connection.request("GET", iri_to_uri(path))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"GET {path}: no answer ({type(error).__name__}).") from error
        times.append(time.perf_counter() - begun)
        if answer.status != 200:
            raise BenchError(
                f"GET {path} answered {answer.status}: only pages that work are measured."
            )
    connection.close()
    return statistics.median(times), answer.headers.get("Cache-Status", "").partition("; ")[2]


@contextmanager
def running(package: str, **variables: str) -> Iterator[int]:
    """The service as in production, on a free port. Raises BenchError if it does not start."""
    ports = [str(port) for port in _free_ports(2)]
    own = {"PORT": ports[0], "METRICS_PORT": ports[1], "WEB_CONCURRENCY": "1"}
    # Not an empty TRUSTED_HOSTS: then the one in .env would count.
    anywhere = {"SCRIPT_NAME": "", "TRUSTED_HOSTS": "127.0.0.1", "FLASK_DEBUG": "0"}
    with tempfile.TemporaryFile() as log:
        service = subprocess.Popen(  # noqa: S603  # it is this service
            [sys.executable, "-m", package],
            env={**os.environ, **own, **anywhere, **variables},
            stdout=log,
            stderr=log,
        )
        try:
            _wait(service, int(ports[0]), log)
            yield int(ports[0])
        finally:
            service.terminate()
            try:
                service.wait(STOPPING)
            except subprocess.TimeoutExpired:
                service.kill()


def _compared(path: str, bare: int, cached: int) -> Compared | BenchError:
    try:
        usual(bare, path, 1)  # the first request of a process takes longer
        without, _ = usual(bare, path)
        usual(cached, path, 1)  # which stores the page
        return Compared(path, without, *usual(cached, path))
    except BenchError as failure:
        return failure


def _wait(service: "subprocess.Popen[bytes]", port: int, log: IO[bytes]) -> None:
    """Until the service answers."""
    deadline = time.monotonic() + STARTING
    while service.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.02)
    log.seek(0)
    last = log.read().decode(errors="replace").splitlines()[-5:]
    raise BenchError("\n".join(["The service does not start. The end of its log:", *last]))


def _free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


def _cached(app: Flask) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and is_page(app, rule.endpoint)
    ]


def is_page(app: Flask, endpoint: str) -> bool:
    return getattr(app.view_functions.get(endpoint), "is_page", False) is True


def _bar(seconds: float, longest: float, colour: str) -> tuple[Bar, str]:
    return Bar(longest, 0, seconds, width=WIDTH, color=colour), f"{1000 * seconds:.1f} ms"
