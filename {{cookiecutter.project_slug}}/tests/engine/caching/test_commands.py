"""`flask cache stats`, `clear` and `invalidate`."""

import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry, generate_latest
from werkzeug.serving import make_server

from ..hub import caching
from .conftest import MakeApp
from .support import cache, serve

pytestmark = pytest.mark.usefixtures("patient")

commands: Any = import_module(f"{caching.__name__}.commands")


def with_commands(app: Flask) -> Flask:
    """An app with the commands, and the metrics that they read at /metrics."""
    registry = CollectorRegistry()
    cache.watch(app, registry)
    app.add_url_rule("/metrics", "metrics", lambda: generate_latest(registry))
    app.cli.add_command(cache.commands)
    return app


@pytest.fixture
def running(make_app: MakeApp) -> Iterator[Flask]:
    """A service that listens on its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app = with_commands(make_app(METRICS_PORT=port))
    server = make_server("127.0.0.1", port, app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield app
    server.shutdown()
    thread.join()
    server.server_close()


def test_stats_are_those_of_the_running_service(running: Flask) -> None:
    client, _ = serve(running, lambda: "page")
    for _ in range(4):
        client.get("/page")
    said = running.test_cli_runner().invoke(args=["cache", "stats"]).output
    figures = dict(line.rsplit(maxsplit=1) for line in said.splitlines()[:6])
    assert {name.strip(): figure for name, figure in figures.items()} == {
        **{"hits": "3", "misses": "1", "stale": "0", "errors": "0", "hit ratio": "75.0%"},
        "entries": figures["  entries"],
    }
    assert int(figures["  entries"]) >= 1
    assert re.search(r"memory [\d,]+ bytes", said)


def test_stats_ignore_another_program_on_the_port(make_app: MakeApp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(1) as pool:
        port = other.getsockname()[1]

        def answer() -> None:
            with other.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.0 404 NOT FOUND\r\n\r\n<!doctype html>\n<p>No.</p>")

        pool.submit(answer)
        said = (
            with_commands(make_app(METRICS_PORT=port))
            .test_cli_runner()
            .invoke(args=["cache", "stats"])
        )
    assert f"does not answer on port {port}" in said.output


def test_stats_say_when_the_service_does_not_run(make_app: MakeApp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = (
        with_commands(make_app(METRICS_PORT=port)).test_cli_runner().invoke(args=["cache", "stats"])
    )
    assert said.exit_code == 0
    assert f"does not answer on port {port}" in said.output


@pytest.mark.parametrize("command", [("clear",), ("invalidate", "products")])
def test_a_command_empties_the_cache(app: Flask, command: tuple[str, ...]) -> None:
    client, view = serve(with_commands(app), lambda: "page", tags=("products",))
    client.get("/page")
    assert app.test_cli_runner().invoke(args=["cache", *command]).exit_code == 0
    client.get("/page")
    assert view.calls == 2


@pytest.mark.parametrize("command", [("stats",), ("clear",), ("invalidate", "products")])
def test_a_command_says_that_the_cache_is_off(make_app: MakeApp, command: tuple[str, ...]) -> None:
    app = with_commands(make_app(CACHE_URL="null://", METRICS_PORT=1))
    said = app.test_cli_runner().invoke(args=["cache", *command])
    assert said.exit_code == 1
    assert "no cache" in said.output
