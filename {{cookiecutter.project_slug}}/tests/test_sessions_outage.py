"""What visitors see while the session store is down or hangs, and what is there afterwards."""

# {% if cookiecutter.session_store == "filesystem" %}
import fcntl
import os
# {% elif cookiecutter.session_store == "sql" and "database" not in cookiecutter.__servers %}
import sqlite3
# {% endif %}
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
# {% if cookiecutter.session_store == "filesystem" %}
from pathlib import Path
from urllib.parse import urlsplit
# {% endif %}

import pytest
from flask import session
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.test import TestResponse

# {% if cookiecutter.session_store in ("filesystem", "sql") %}
from .conftest import PATIENCE, MakeApp
# {% else %}
from .conftest import MakeApp
# {% endif %}
# {% if "sessions" in cookiecutter.__servers or cookiecutter.session_store == "sql" and "database" in cookiecutter.__servers %}
from .line import Line
# {% endif %}
from .test_sessions import Counted
from .visitor import View, Visitor, look, nothing
# {% if cookiecutter.session_store == "filesystem" %}


class Line:
    """To a folder whose locks somebody else holds, or in whose place there is a file."""

    def __init__(self, url: str) -> None:
        self.near_end = url
        self.folder = Path(urlsplit(url).path)
        self.handles: list[int] = []

    def fail(self, state: str) -> None:
        self.folder.mkdir(exist_ok=True)
        if state == "closed":
            self.folder.rename(self.folder.with_name("away"))
            self.folder.touch()
        for folder in self.folder.glob("*"):
            self.handles.append(os.open(folder, os.O_RDONLY))
            fcntl.flock(self.handles[-1], fcntl.LOCK_EX)

    def mend(self) -> None:
        while self.handles:
            os.close(self.handles.pop())
        if self.folder.is_file():
            self.folder.unlink()
            self.folder.with_name("away").rename(self.folder)

    end = mend
# {% elif cookiecutter.session_store == "sql" and "database" not in cookiecutter.__servers %}


class Line:
    """To a database in which somebody else has begun to write."""

    def __init__(self, url: str) -> None:
        self.near_end = url
        self.connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)

    def fail(self, _: str) -> None:
        self.connection.execute("BEGIN EXCLUSIVE")

    def mend(self) -> None:
        if self.connection.in_transaction:
            self.connection.rollback()

    def end(self) -> None:
        self.connection.close()
# {% endif %}


@pytest.fixture
def line(make_app: MakeApp) -> Iterator[Line]:
    line = Line(make_app().extensions["settings"].session_url.get_secret_value())
    yield line
    line.end()


@pytest.fixture
def alice(make_app: MakeApp, line: Line) -> Visitor:
    """Someone with a session."""
    visitor = Visitor(make_app(SESSION_URL=line.near_end))
    visitor.do(lambda: session.update(user="alice", visits=0))
    return visitor


def visit() -> object:
    """Reads and writes."""
    session["visits"] = session.get("visits", 0) + 1
    return session["visits"]


def ask(visitor: Visitor, view: View) -> TestResponse:
    # {% if cookiecutter.session_store in ("filesystem", "sql") %}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(PATIENCE, 0.4)
        return visitor.request(view)
    # {% else %}
    return visitor.request(view)
    # {% endif %}


@pytest.mark.parametrize("way", ["closed", "hangs"])
def test_only_what_needs_the_session_is_unavailable_and_nothing_is_lost(
    alice: Visitor, line: Line, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    line.fail(way)

    assert ask(alice, nothing).status_code == 200
    assert alice.client.get("/tests/cached").status_code == 200
    refusal = ask(alice, visit)
    assert refusal.status_code == 503
    assert int(refusal.headers["Retry-After"]) > 0
    assert "Set-Cookie" not in refusal.headers
    assert "Your session is out of reach" in refusal.text
    assert "Traceback" not in refusal.text
    assert "The session store failed" in caplog.text

    line.mend()
    assert alice.do(look) == "alice"
    assert alice.do(visit) in (1, 2)  # what hangs may yet happen


@pytest.mark.parametrize("way", ["closed", "hangs"])
def test_a_store_that_fails_at_the_save_is_a_503_too(alice: Visitor, line: Line, way: str) -> None:
    def view() -> None:
        session["user"] = "bob"
        line.fail(way)

    refusal = ask(alice, view)
    assert refusal.status_code == 503
    assert int(refusal.headers["Retry-After"]) > 0

    line.mend()
    assert alice.do(look) in ("alice", "bob")


@pytest.mark.parametrize("way", ["closed", "hangs"])
@pytest.mark.parametrize("first", [nothing, look])
def test_a_request_waits_for_half_a_second_at_most(
    alice: Visitor, line: Line, way: str, first: View
) -> None:
    """At the load, or at the save. A busy machine can only add to it: one of three shows it."""

    def view() -> None:
        first()
        line.fail(way)
        visit()

    def seconds() -> float:
        started = time.monotonic()
        assert ask(alice, view).status_code == 503
        waited = time.monotonic() - started
        line.mend()
        alice.do(look)
        return waited

    assert any(seconds() < 0.5 for _ in range(3))


def test_a_request_does_not_wait_for_the_store_twice(alice: Visitor, line: Line) -> None:
    def view() -> None:
        for _ in range(3):
            with suppress(ServiceUnavailable):
                visit()

    count = Counted(alice.app)
    line.fail("closed")
    calls = count.of(lambda: ask(alice, view))
    assert calls in (["load"], ["load", "replace"])  # readers may be served while writers wait


def test_the_service_starts_while_the_store_is_down(make_app: MakeApp, line: Line) -> None:
    line.fail("closed")
    visitor = Visitor(make_app(SESSION_URL=line.near_end))
    assert ask(visitor, lambda: session.update(user="bob")).status_code == 503
    assert visitor.cookie is None

    line.mend()
    visitor.do(lambda: session.update(user="bob"))
    assert visitor.do(look) == "bob"


def test_after_a_restart_of_the_store_no_request_fails(alice: Visitor, line: Line) -> None:
    together = threading.Barrier(4)

    def view() -> None:
        together.wait(5)  # so that each has a connection of its own
        visit()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: alice.twin().do(view), range(4)))
    line.fail("closed")
    line.mend()
    for _ in range(6):
        alice.do(visit)
