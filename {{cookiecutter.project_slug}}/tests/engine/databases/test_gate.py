"""While the database is away, one request at a time tries to connect; the others fail at once."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.exceptions import HTTPException

from ..hub import databases, gate, middleware, speakers
from .conftest import Ask, MakeApp


class Away:
    """A database that fails at each attempt to connect, until it is back."""

    def __init__(self, connect: Callable[..., Any]) -> None:
        self.connect = connect
        self.attempts = 0
        self.back = False
        self.answers = threading.Event()  # cleared: an attempt waits for its failure
        self.answers.set()

    def __call__(self, dialect: sa.Dialect, *arguments: Any) -> Any:
        self.attempts += 1
        if self.back:
            return self.connect(dialect, *arguments)
        self.answers.wait(20)
        raise dialect.loaded_dbapi.OperationalError("away")


@pytest.fixture
def away(database: str, monkeypatch: pytest.MonkeyPatch) -> Away:
    speaker = speakers.speaker(databases.__name__, database)
    away = Away(speaker.connect)
    monkeypatch.setattr(speaker, "connect", away)
    return away


def test_what_needs_the_database_is_unavailable(
    ask: Ask, away: Away, caplog: pytest.LogCaptureFixture
) -> None:
    answer = ask("SELECT 1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "out of reach" in answer.text
    assert "The database failed: OperationalError: away" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_handler_of_the_app_shows_that_the_database_is_away(
    app: Flask, ask: Ask, away: Away
) -> None:
    @app.errorhandler(HTTPException)
    def show(error: HTTPException) -> tuple[str, int]:
        return f"shown: {error.name}", error.code or 0

    assert ask("SELECT 1").text == "shown: Service Unavailable"


def test_for_a_moment_nobody_tries_again(
    ask: Ask, away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PAUSE", 60)
    assert [ask("SELECT 1").status_code for _ in range(20)] == [503] * 20
    assert away.attempts == 1


def test_of_many_requests_one_at_a_time_tries_and_the_others_do_not_wait_for_it(
    ask: Ask, away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PAUSE", 0)
    assert ask("SELECT 1").status_code == 503

    away.answers.clear()
    with ThreadPoolExecutor(8) as visitors:
        waiting = {visitors.submit(ask, "SELECT 1") for _ in range(8)}
        while len(waiting) > 1:
            done, waiting = wait(waiting, timeout=20, return_when=FIRST_COMPLETED)
            assert {answer.result().status_code for answer in done} == {503}
        assert away.attempts == 2
        away.answers.set()
    assert [answer.result().status_code for answer in waiting] == [503]


def test_the_first_that_reaches_it_again_lets_all_in(
    app: Flask, ask: Ask, away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PAUSE", 0)
    assert ask("SELECT 1").status_code == 503
    away.back = True
    for _ in range(2):
        assert ask("SELECT 1").status_code == 200
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()  # the next one connects, too


def test_a_request_that_finds_all_connections_in_use_is_unavailable(app: Flask) -> None:
    @app.get("/busy")
    def busy() -> str:
        raise sa.exc.TimeoutError("QueuePool limit reached")

    assert app.test_client().get("/busy").status_code == 503


def test_in_development_an_answer_says_what_the_database_took(make_app: MakeApp) -> None:
    for debug in (True, False):
        app = make_app(DEBUG=debug)
        middleware.Middleware.of(app)
        answer = app.test_client().post("/sql", data="SELECT 1")
        assert ("database;dur=" in answer.headers.get("Server-Timing", "")) is debug
