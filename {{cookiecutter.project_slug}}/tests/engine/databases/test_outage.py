"""What an app answers while its database server is away or hangs, and when it is back."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ..hub import databases, gate
from ..line import Line
from ..waiting import Stopwatch, wait_until
from .conftest import Ask, MakeApp


@pytest.fixture
def line(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """The way to the server. A request waits half a second, and the gate hardly at all."""
    monkeypatch.setattr(databases, "PATIENCE", 0.5)
    monkeypatch.setattr(gate, "PAUSE", 0.05)
    line = Line(database)
    yield line
    line.end()


@pytest.mark.parametrize("way", ["closed", "hangs"])
def test_what_needs_the_database_is_unavailable_until_it_is_back(
    make_app: MakeApp, line: Line, way: str
) -> None:
    client = make_app(line.near_end).test_client()
    wait_until(lambda: client.post("/sql", data="SELECT 1").status_code == 200)

    line.fail(way)
    with Stopwatch() as watch:
        answer = client.post("/sql", data="SELECT 1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert watch.seconds < 4  # it waits for an answer, then for a new connection

    line.mend()
    wait_until(lambda: client.post("/sql", data="SELECT 1").status_code == 200)


def test_after_a_restart_of_the_database_no_request_fails(
    make_app: MakeApp, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "PATIENCE", 10)
    client = make_app(line.near_end).test_client()
    assert client.post("/sql", data="SELECT 1").status_code == 200
    line.fail("closed")
    line.mend()
    assert client.post("/sql", data="SELECT 1").status_code == 200


@pytest.mark.parametrize("way", ["closed", "hangs"])
def test_a_database_that_goes_between_two_statements_is_unavailable(
    make_app: MakeApp, line: Line, way: str
) -> None:
    app = make_app(line.near_end)

    @app.get("/two")
    def two() -> str:
        session = app.extensions["sqlalchemy"].session
        session.execute(sa.text("SELECT 1"))
        line.fail(way)
        session.execute(sa.text("SELECT 2"))
        return "answer"

    with Stopwatch() as watch:
        assert app.test_client().get("/two").status_code == 503
    assert watch.seconds < 2


@pytest.mark.parametrize("way", ["closed", "hangs"])
def test_a_database_that_goes_after_the_last_statement_spoils_no_answer(
    make_app: MakeApp, line: Line, way: str
) -> None:
    app = make_app(line.near_end)

    @app.get("/read")
    def read() -> str:
        app.extensions["sqlalchemy"].session.execute(sa.text("SELECT 1"))
        line.fail(way)
        return "answer"

    assert app.test_client().get("/read").text == "answer"


def test_a_server_that_became_a_replica_is_left(ask: Ask) -> None:
    ask("CREATE TABLE test_written (id int)")
    for _ in range(2):
        for form in ("SESSION CHARACTERISTICS AS TRANSACTION", "SESSION TRANSACTION"):
            ask(f"SET {form} READ ONLY")  # as a replica's are; each server knows one of the forms
        assert ask("INSERT INTO test_written VALUES (1)").status_code == 503
        assert ask("INSERT INTO test_written VALUES (1)").status_code == 200
    ask("DROP TABLE test_written")
