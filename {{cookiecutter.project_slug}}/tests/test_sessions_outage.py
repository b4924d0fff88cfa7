"""What visitors see while the session store is down or hangs, and what is there afterwards."""

# {% if cookiecutter.session_store == "filesystem" %}
import fcntl
import os
# {% elif cookiecutter.session_store == "sql" and "database" not in cookiecutter.__servers %}
import sqlite3
# {% else %}
import socket
# {% endif %}
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
# {% if "sessions" in cookiecutter.__servers %}
from urllib.parse import urlsplit
# {% elif cookiecutter.session_store == "sql" and "database" in cookiecutter.__servers %}
from urllib.parse import urlsplit
# {% endif %}

import pytest
from flask import Flask, session
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.test import TestResponse

# {% if cookiecutter.session_store in ("filesystem", "sql") %}
from .conftest import PATIENCE, MakeApp
# {% else %}
from .conftest import MakeApp
# {% endif %}
from .test_sessions import Counted
from .visitor import View, Visitor, look, nothing
# {% if cookiecutter.session_store == "filesystem" %}


class Outage:
    """A folder whose locks somebody else holds, or in whose place there is a file."""

    def __init__(self, _: Flask, tmp_path: Path) -> None:
        self.folder = tmp_path / "sessions"
        self.url = self.folder.as_uri()
        self.handles: list[int] = []

    def hang(self) -> None:
        for folder in (self.folder / f"{number:02x}" for number in range(256)):
            folder.mkdir(parents=True, exist_ok=True)
            self.handles.append(os.open(folder, os.O_RDONLY))
            fcntl.flock(self.handles[-1], fcntl.LOCK_EX)

    def cut(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.folder.rename(self.folder.with_name("away"))
        self.folder.touch()

    def restore(self) -> None:
        while self.handles:
            os.close(self.handles.pop())
        if self.folder.is_file():
            self.folder.unlink()
            self.folder.with_name("away").rename(self.folder)

    end = restore
# {% elif cookiecutter.session_store == "sql" and "database" not in cookiecutter.__servers %}


class Outage:
    """A database in which somebody else has begun to write."""

    def __init__(self, _: Flask, tmp_path: Path) -> None:
        path = tmp_path / "outage.db"
        self.url = f"sqlite:///{path}"
        self.connection = sqlite3.connect(path, isolation_level=None)

    def hang(self) -> None:
        self.connection.execute("BEGIN EXCLUSIVE")

    cut = hang

    def restore(self) -> None:
        if self.connection.in_transaction:
            self.connection.rollback()

    def end(self) -> None:
        self.connection.close()
# {% else %}


class Outage:
    """A way to the store that can be cut, or let nothing through."""

    def __init__(self, app: Flask, _: Path) -> None:
        parts = urlsplit(app.extensions["settings"].session_url.get_secret_value())
        login, at, _ = parts.netloc.rpartition("@")
        self.store = (parts.hostname, parts.port)
        self.sockets: list[socket.socket] = []
        self.flows = threading.Event()
        self.port = 0
        self.restore()
        self.url = parts._replace(netloc=f"{login}{at}127.0.0.1:{self.port}").geturl()

    def hang(self) -> None:
        self.flows.clear()

    def cut(self) -> None:
        while self.sockets:
            end = self.sockets.pop()
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def restore(self) -> None:
        self.flows.set()
        if not self.sockets:
            listener = socket.create_server(("127.0.0.1", self.port))
            self.port = listener.getsockname()[1]
            self.sockets.append(listener)
            threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self.store)
                self.sockets += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self.pump, args=ends, daemon=True).start()

    def end(self) -> None:
        self.cut()
        self.flows.set()

    def pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.flows.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
# {% endif %}


@pytest.fixture
def outage(make_app: MakeApp, tmp_path: Path) -> Iterator[Outage]:
    outage = Outage(make_app(), tmp_path)
    yield outage
    outage.end()


@pytest.fixture
def alice(make_app: MakeApp, outage: Outage) -> Visitor:
    """Someone with a session."""
    visitor = Visitor(make_app(SESSION_URL=outage.url))
    visitor.do(lambda: session.update(user="alice", visits=0))
    return visitor


def visit() -> object:
    """Reads and writes."""
    session["visits"] = session.get("visits", 0) + 1
    return session["visits"]


def ask(visitor: Visitor, view: View) -> TestResponse:
    """It takes half a second at most; twice that where other work keeps the machine busy."""
    # {% if cookiecutter.session_store in ("filesystem", "sql") %}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(PATIENCE, 0.4)
        started = time.monotonic()
        response = visitor.request(view)
        assert time.monotonic() - started < 1
    # {% else %}
    started = time.monotonic()
    response = visitor.request(view)
    assert time.monotonic() - started < 1
    # {% endif %}
    return response


@pytest.mark.parametrize("kind", ["cut", "hang"])
def test_only_what_needs_the_session_is_unavailable_and_nothing_is_lost(
    alice: Visitor, outage: Outage, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    getattr(outage, kind)()

    assert ask(alice, nothing).status_code == 200
    assert alice.client.get("/").status_code == 200
    refusal = ask(alice, visit)
    assert refusal.status_code == 503
    assert int(refusal.headers["Retry-After"]) > 0
    assert "Set-Cookie" not in refusal.headers
    assert "Your session is out of reach" in refusal.text
    assert "Traceback" not in refusal.text
    assert "The session store failed" in caplog.text

    outage.restore()
    assert alice.do(look) == "alice"
    assert alice.do(visit) in (1, 2)  # what hangs may yet happen


@pytest.mark.parametrize("kind", ["cut", "hang"])
def test_a_store_that_fails_at_the_save_is_a_503_too(
    alice: Visitor, outage: Outage, kind: str
) -> None:
    def view() -> None:
        session["user"] = "bob"
        getattr(outage, kind)()

    refusal = ask(alice, view)
    assert refusal.status_code == 503
    assert int(refusal.headers["Retry-After"]) > 0

    outage.restore()
    assert alice.do(look) in ("alice", "bob")


def test_a_request_does_not_wait_for_the_store_twice(alice: Visitor, outage: Outage) -> None:
    def view() -> None:
        for _ in range(3):
            with suppress(ServiceUnavailable):
                visit()

    count = Counted(alice.app)
    outage.cut()
    calls = count.of(lambda: ask(alice, view))
    assert calls in (["load"], ["load", "replace"])  # readers may be served while writers wait


def test_the_service_starts_while_the_store_is_down(make_app: MakeApp, outage: Outage) -> None:
    outage.cut()
    visitor = Visitor(make_app(SESSION_URL=outage.url))
    assert ask(visitor, lambda: session.update(user="bob")).status_code == 503
    assert visitor.cookie is None

    outage.restore()
    visitor.do(lambda: session.update(user="bob"))
    assert visitor.do(look) == "bob"


def test_after_a_restart_of_the_store_no_request_fails(alice: Visitor, outage: Outage) -> None:
    together = threading.Barrier(4)

    def view() -> None:
        together.wait(5)  # so that each has a connection of its own
        visit()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: alice.twin().do(view), range(4)))
    outage.cut()
    outage.restore()
    for _ in range(6):
        alice.do(visit)
