"""What the service answers while its database is away or hangs, and when it is back."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import current

from . import caching, create_app
from .conftest import MakeApp
from .line import Line, wait_until
# {% if cookiecutter.cache_backend != "none" %}
from .visitor import pass_time
# {% endif %}

# {% if cookiecutter.database == "postgresql" %}
LOCK = "LOCK TABLE alembic_version"
MISTAKE = "SELECT pg_cancel_backend(pg_backend_pid())"
# {% else %}
LOCK = "LOCK TABLES alembic_version WRITE"
MISTAKE = "SELECT nothing"
# {% endif %}
CONNECTIONS = f"{create_app.__module__}.database_connections"
PATIENCE = 0.5  # seconds


@pytest.fixture
def line(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    monkeypatch.setattr(f"{CONNECTIONS}.PATIENCE", PATIENCE)
    line = Line(database)
    yield line
    line.end()


def serve(app: Flask) -> FlaskClient:
    """A page that reads the database, /page, and the same in the API."""

    def read() -> str:
        app.extensions["sqlalchemy"].session.execute(sa.text("SELECT 1"))
        return "answer"

    app.add_url_rule("/page", "page", caching.page(timeout=60, stale=300)(read))
    app.add_url_rule("/api/page", "api", read)
    return app.test_client()


@pytest.mark.parametrize("way", ["closed", "hangs"])
def test_what_needs_the_database_is_unavailable_until_it_is_back(
    make_app: MakeApp, line: Line, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    client = serve(make_app(DATABASE_URL=line.near_end, CACHE_URL="null://"))
    assert client.get("/page").status_code == 200

    line.fail(way)
    page, problem = client.get("/page"), client.get("/api/page")
    assert (page.status_code, problem.status_code) == (503, 503)
    assert int(page.headers["Retry-After"]) > 0
    assert "out of reach" in page.text
    assert problem.content_type == "application/problem+json"
    assert "out of reach" in problem.get_json()["detail"]
    assert "The database failed: OperationalError" in caplog.text
    assert "Traceback" not in caplog.text

    line.mend()
    wait_until(lambda: client.get("/page").status_code == 200)


def test_after_a_restart_of_the_database_no_request_fails(make_app: MakeApp, line: Line) -> None:
    client = serve(make_app(DATABASE_URL=line.near_end, CACHE_URL="null://"))
    assert client.get("/page").status_code == 200
    line.fail("closed")
    line.mend()
    assert client.get("/page").status_code == 200


@pytest.mark.parametrize("way", ["closed", "hangs"])
def test_a_database_that_goes_after_the_last_statement_spoils_no_answer(
    make_app: MakeApp, line: Line, way: str
) -> None:
    app = make_app(DATABASE_URL=line.near_end)

    @app.get("/read")
    def read() -> str:
        app.extensions["sqlalchemy"].session.execute(sa.text("SELECT 1"))
        line.fail(way)
        return "answer"

    assert app.test_client().get("/read").text == "answer"


def test_one_request_waits_for_a_database_that_hangs_and_the_others_do_not_even_ask(
    make_app: MakeApp, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{CONNECTIONS}.PAUSE", 60)
    client = serve(make_app(DATABASE_URL=line.near_end, CACHE_URL="null://"))
    line.fail("hangs")
    assert client.get("/page").status_code == 503

    connections = line.connections
    for _ in range(20):
        assert client.get("/page").status_code == 503
    assert line.connections == connections


def test_of_many_requests_one_at_a_time_finds_out_whether_it_is_back(
    make_app: MakeApp, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{CONNECTIONS}.PAUSE", 0)
    app = make_app(DATABASE_URL=line.near_end, CACHE_URL="null://")
    line.fail("hangs")
    assert serve(app).get("/page").status_code == 503

    connections = line.connections
    with ThreadPoolExecutor(8) as visitors:
        answers = visitors.map(lambda _: app.test_client().get("/page").status_code, range(8))
        assert [*answers] == [503] * 8
    assert line.connections == connections + 1
# {% if cookiecutter.cache_backend != "none" %}


def test_while_the_database_hangs_cached_pages_are_served_and_stale_ones_too(
    make_app: MakeApp, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(make_app(DATABASE_URL=line.near_end))
    client.get("/page")
    line.fail("hangs")
    assert "; hit; ttl=" in client.get("/page").headers["Cache-Status"]

    pass_time(monkeypatch, seconds=100)
    for _ in range(2):
        stale = client.get("/page")
        assert (stale.status_code, "detail=stale" in stale.headers["Cache-Status"]) == (200, True)
# {% endif %}


def test_a_mistake_in_a_statement_is_no_outage(app: Flask) -> None:
    @app.get("/mistake")
    def mistake() -> str:
        app.extensions["sqlalchemy"].session.execute(sa.text(MISTAKE))
        return ""

    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert app.test_client().get("/mistake").status_code == 500


def test_migrations_take_the_time_they_need(
    app: Flask, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = sa.create_engine(app.config["SQLALCHEMY_DATABASE_URI"], poolclass=sa.NullPool)

    def migrate() -> None:
        with app.app_context():
            current()

    with ThreadPoolExecutor(1) as migration:
        with engine.begin() as connection:
            connection.execute(sa.text(LOCK))
            waiting = migration.submit(migrate)
            threading.Event().wait(3 * PATIENCE)
            assert not waiting.done()
        waiting.result(5)
