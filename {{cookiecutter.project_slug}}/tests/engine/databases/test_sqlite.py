"""SQLite: its files, its writers in turn, and what it can do no more."""

import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from ..hub import databases, speakers
from .conftest import Ask


@pytest.fixture
def writer(ask: Ask, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Connection]:
    """Another process that writes, and does not commit. Requests do not wait for it for long."""
    monkeypatch.setattr(databases, "PATIENCE", 0.05)
    ask("CREATE TABLE IF NOT EXISTS notes (text)")
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        yield connection
    engine.dispose()


def test_a_write_that_waits_for_another_writer_too_long_is_unavailable(
    ask: Ask, writer: sa.Connection
) -> None:
    write = "INSERT INTO notes VALUES ('mine')"
    started = time.monotonic()
    refused = ask(write)
    assert time.monotonic() - started < 2
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    writer.rollback()
    assert ask(write).status_code == 200


def test_a_transaction_that_another_writer_has_overtaken_is_unavailable(
    app: Flask, database: str
) -> None:
    session = app.extensions["sqlalchemy"].session

    @app.get("/overtaken")
    def overtaken() -> str:
        session.execute(sa.text("CREATE TABLE IF NOT EXISTS notes (text)"))
        session.commit()
        session.execute(sa.text("BEGIN"))
        session.execute(sa.text("SELECT * FROM notes"))
        engine = sa.create_engine(database)
        with engine.begin() as other:
            other.exec_driver_sql("INSERT INTO notes VALUES ('theirs')")
        engine.dispose()
        session.execute(sa.text("INSERT INTO notes VALUES ('mine')"))
        return "done"

    assert app.test_client().get("/overtaken").status_code == 503


def test_readers_do_not_wait_for_a_writer(ask: Ask, writer: sa.Connection) -> None:
    writer.exec_driver_sql("INSERT INTO notes VALUES ('not yet')")
    assert ask("SELECT * FROM notes").status_code == 200


def test_a_full_disk_is_an_outage(app: Flask) -> None:
    session = app.extensions["sqlalchemy"].session

    @app.post("/fill")
    def fill() -> str:
        session.execute(sa.text("PRAGMA max_page_count = 1"))  # it counts those there are
        session.execute(sa.text("CREATE TABLE filled AS SELECT zeroblob(1000000)"))
        return "done"

    assert app.test_client().post("/fill").status_code == 503


def test_a_mistake_in_a_statement_is_no_outage(ask: Ask) -> None:
    assert ask("SELECT nothing").status_code == 500


def test_references_are_checked(app: Flask) -> None:
    with app.app_context(), app.extensions["sqlalchemy"].engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_a_file_is_found_from_the_working_folder_and_its_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert databases.normalized("sqlite:///data/app.db") == f"sqlite:///{tmp_path}/data/app.db"
    assert (tmp_path / "data").is_dir()


def test_only_the_service_may_read_the_file(tmp_path: Path) -> None:
    databases.normalized(f"sqlite:///{tmp_path}/data/app.db")
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "app.db").stat().st_mode) == 0o600


def test_an_option_that_the_driver_does_not_know_is_one_sentence() -> None:
    for option in ("sslmode=require", "tiemout=5"):
        with pytest.raises(ValueError, match=f"the option {option.partition('=')[0]}, which"):
            databases.normalized(f"sqlite:///:memory:?{option}")
    with pytest.raises(ValueError, match="has a wrong value for one of timeout"):
        databases.normalized("sqlite:///:memory:?timeout=soon")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_stays_there(url: str) -> None:
    assert databases.normalized(url) == url


def test_the_session_store_waits_for_another_writer_for_less_than_half_a_second(
    database: str,
) -> None:
    options = speakers.speaker(databases.__name__, database).SESSION_OPTIONS
    engine = sa.create_engine(database, **options)
    with engine.connect() as connection:
        waits = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    engine.dispose()
    assert waits == 400  # milliseconds
