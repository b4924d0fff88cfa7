"""`flask cache stats`, `clear` and `invalidate`."""

import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry, generate_latest
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from ..hub import caching
from .conftest import MakeApp
from .support import cache, serve

pytestmark = pytest.mark.usefixtures("patient")

commands: Any = import_module(f"{caching.__name__}.commands")
bench: Any = import_module(f"{caching.__name__}.bench")
figures: Any = import_module(f"{caching.__name__}.figures")


def with_commands(app: Flask) -> Flask:
    """An app with the commands, and the metrics that they read at /metrics."""
    registry = CollectorRegistry()
    cache.watch(app, registry)
    app.add_url_rule("/metrics", "metrics", lambda: generate_latest(registry))
    app.cli.add_command(cache.commands[0])
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


def stats(app: Flask) -> str:
    return app.test_cli_runner().invoke(args=["cache", "stats"]).output


def test_stats_are_those_of_the_running_service(running: Flask) -> None:
    client, _ = serve(running, lambda: "page")
    for _ in range(4):
        client.get("/page")
    said = stats(running).splitlines()
    assert said[0].split() == [
        "endpoint",
        "hits",
        "misses",
        "stale",
        "errors",
        "hit",
        "ratio",
        "saved",
    ]
    assert said[1].split()[:6] == ["page", "3", "1", "0", "0", "75.0%"]
    assert re.search(r"^[1-9]\d* entries, [\d,]+ bytes$", said[-1])


def test_stats_of_several_endpoints_have_a_sum(running: Flask) -> None:
    client, _ = serve(running, lambda: "page")
    running.add_url_rule("/other", "other", cache.page(timeout=60)(lambda: "other"))
    for path in ("/page", "/page", "/other", "/other", "/other"):
        client.get(path)
    rows = [line.split()[:3] for line in stats(running).splitlines()]
    assert rows[1:4] == [["other", "2", "1"], ["page", "1", "1"], ["all", "3", "2"]]


def test_the_time_saved_is_what_hits_would_have_taken_as_misses() -> None:
    counted = figures.Figures()
    counted.requests.update({("page", "miss"): 2, ("page", "hit"): 9, ("page", "stale"): 1})
    counted.seconds |= {("page", "miss"): 4.0, ("page", "hit"): 0.5, ("page", "stale"): 0.5}
    assert counted.saved("page") == 10 * 2.0 - 1.0
    assert counted.saved("another") is None


def test_stats_before_the_first_look(running: Flask) -> None:
    assert "Nothing was looked up yet." in stats(running)


METRICS_OF_ANOTHER = """\
cache_held 1
cache_prefix 1
cache_prefix{prefix="other:cache:"} 1
cache_outcomes_total{endpoint="x",outcome="hit"} 7
"""


@pytest.mark.parametrize("body", ["<!doctype html>\n<p>No.</p>", METRICS_OF_ANOTHER, ""])
def test_stats_are_not_those_of_another_program(make_app: MakeApp, body: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(1) as pool:
        port = other.getsockname()[1]

        def answer() -> None:
            with other.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body.encode())

        pool.submit(answer)
        said = stats(with_commands(make_app(METRICS_PORT=port)))
    assert f"Another program answers on port {port}" in said
    assert "hits" not in said


def test_stats_say_when_the_service_does_not_run(make_app: MakeApp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = stats(with_commands(make_app(METRICS_PORT=port)))
    assert f"does not answer on port {port}" in said


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


def test_bench_finds_the_pages_without_arguments(app: Flask) -> None:
    serve(app, lambda: "page")
    app.add_url_rule("/things/<int:id>", "thing", cache.page(timeout=60)(lambda id: str(id)))
    app.add_url_rule("/plain", "plain", lambda: "not cached")
    assert bench.cached_paths(app) == ("/page",)
    assert bench.rules_with_arguments(app) == ["/things/<int:id>"]


def test_bench_measures_pages_over_http(running: Flask) -> None:
    _, view = serve(running, lambda: "page")
    seconds, status = bench.usual(running.config["METRICS_PORT"], "/page", 3)
    assert 0 < seconds < 20
    assert status.startswith("hit; ttl=")
    assert view.calls == 1


@pytest.mark.parametrize("path", ["/missing", "/fails"])
def test_bench_refuses_pages_that_do_not_work(running: Flask, path: str) -> None:
    running.add_url_rule("/fails", "fails", lambda: ("no", 500))
    with pytest.raises(bench.BenchError, match=f"GET {path} answered "):
        bench.usual(running.config["METRICS_PORT"], path)


def test_bench_measures_the_other_pages_when_one_does_not_work(
    running: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(running, lambda: "page")
    running.cli.add_command(cache.commands[1])
    monkeypatch.setattr(
        bench, "running", lambda _, **given: nullcontext(running.config["METRICS_PORT"])
    )
    monkeypatch.setattr(bench, "SECONDS", 0)  # one request each
    monkeypatch.setattr(commands.signal, "signal", lambda *_: None)
    said = running.test_cli_runner().invoke(args=["bench", "/missing", "/page", "/away"])
    assert said.exit_code == 1
    assert re.search(r"(?s)/page +without .* ms.*cached .* ms", said.output)
    assert re.findall(r"GET (\S+) answered 404", said.output) == ["/missing", "/away"]


def test_bench_says_when_nothing_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(bench.BenchError, match="no answer"):
        bench.usual(port, "/page")


def test_bench_shows_why_the_service_does_not_start() -> None:
    failing = pytest.raises(
        bench.BenchError, match=r"(?s)does not start.*No module named no_such_pack"
    )
    with failing, bench.running("no_such_package"):
        pass


def test_bench_shows_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    hit, refused = "hit; ttl=9", "fwd=bypass; detail=session"
    bench.show([bench.Compared("/", 0.026, 0.0008, hit), bench.Compared("/me", 0.1, 0.1, refused)])
    said = capsys.readouterr().out
    assert re.search(r"/ +without .* 26\.0 ms", said)
    assert re.search(r"cached .* 0\.8 ms +32\.5 times as fast", said)
    assert "/me is not cached. Its Cache-Status: fwd=bypass; detail=session" in said


def test_bench_takes_paths_as_people_write_them(running: Flask) -> None:
    running.add_url_rule("/süß", "sweet", lambda: "page")
    assert bench.usual(running.config["METRICS_PORT"], "/süß?q=café au lait", 1)[0] > 0


@pytest.mark.parametrize("path", ["/?q[/b]=mug", "/?q[bold]=mug", "/a:cat:b"])
def test_bench_shows_a_path_as_it_is(capsys: pytest.CaptureFixture[str], path: str) -> None:
    bench.show([bench.Compared(path, 0.026, 0.0008, "hit; ttl=9")])
    assert path in capsys.readouterr().out


def test_bench_warms_both_services_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def usual(port: int, _: str, requests: int = bench.REQUESTS) -> tuple[float, str]:
        asked.append((port, requests))
        return 1.0, "hit; ttl=9"

    monkeypatch.setattr(bench, "running", lambda _, **given: nullcontext(1 if given else 2))
    monkeypatch.setattr(bench, "usual", usual)
    list(bench.measure("package", ["/"]))
    many = bench.REQUESTS
    assert asked == [(1, 1), (1, many), (2, 1), (2, many)]


def test_bench_runs_the_service_as_in_production(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shows_variables.py").write_text("import os; exit(str(dict(os.environ)))")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("FLASK_DEBUG", "1")
    with pytest.raises(bench.BenchError) as failed, bench.running("shows_variables"):
        pass
    assert "'FLASK_DEBUG': '0'" in str(failed.value)
    assert "'TRUSTED_HOSTS': '127.0.0.1'" in str(failed.value)


@pytest.mark.parametrize("mount", ["/shop", "shop", "/shop/"])
def test_stats_of_a_service_below_a_path(
    running: Flask, monkeypatch: pytest.MonkeyPatch, mount: str
) -> None:
    inner = running.wsgi_app
    running.wsgi_app = DispatcherMiddleware(NotFound(), {"/shop": inner})  # type: ignore[method-assign]
    monkeypatch.setenv("SCRIPT_NAME", mount)
    assert "Nothing was looked up yet." in stats(running)


def test_an_unknown_time_has_no_sum(capsys: pytest.CaptureFixture[str]) -> None:
    counted = figures.Figures()
    counted.looks.update({("one", "hit"): 1, ("other", "hit"): 1})
    figures.show(counted)
    assert capsys.readouterr().out.splitlines()[-1].split()[-1] == "-"
