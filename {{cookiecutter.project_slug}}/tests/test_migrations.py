"""Migrations: the service's own, and what `flask db migrate` writes where a model is new."""

import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import check, downgrade, migrate, revision, upgrade
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from . import create_app


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    __cache_tags__ = ("notes",)

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(sa.String(80), index=True)


@pytest.fixture
def engine(app: Flask) -> Iterator[sa.Engine]:
    with app.app_context():
        yield app.extensions["sqlalchemy"].engine


@pytest.fixture
def notes(app: Flask) -> Iterator[str]:
    """The table of a new model."""
    metadata = app.extensions["sqlalchemy"].metadata
    table = Note.metadata.tables["notes"].to_metadata(metadata)
    yield table.name
    metadata.remove(table)


def test_no_model_has_a_change_without_a_migration(engine: sa.Engine) -> None:
    check()


def test_the_migration_of_a_new_model_works_and_passes_the_checks(
    app: Flask, engine: sa.Engine, notes: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # A copy, which commands may add to, in a project with the service's settings.
    shutil.copy(Path(__file__).parents[1] / "pyproject.toml", tmp_path)
    migrations = tmp_path / "migrations"
    shutil.copytree(app.extensions["migrate"].directory, migrations)

    def written() -> set[Path]:
        return {*migrations.glob("versions/*.py")}

    caplog.set_level(logging.INFO)
    ours = written()
    migrate(migrations)
    [migration] = written() - ours
    assert "info=" not in migration.read_text()
    copies = "batch_alter_table" in migration.read_text()
    assert copies != engine.dialect.supports_alter  # where a table cannot be altered

    upgrade(migrations)
    assert sa.inspect(engine).has_table(notes)
    migrate(migrations)
    assert "No changes in schema detected." in caplog.messages
    assert written() == {*ours, migration}

    revision(migrations)
    assert len(written()) == len(ours) + 2
    for command in ("check", "format --check"):
        ruff = [sys.executable, "-m", "ruff", *command.split(), str(migrations)]
        subprocess.run(ruff, check=True)  # noqa: S603

    downgrade(migrations)
    assert not sa.inspect(engine).has_table(notes)


def test_tables_of_others_are_left_alone(engine: sa.Engine) -> None:
    """PostGIS has tables of its own in a database, and so may the session store."""
    table = sa.Table("spatial_ref_sys", sa.MetaData(), sa.Column("id", sa.Integer, index=True))
    table.create(engine)
    check()
    table.drop(engine)


def test_migrations_may_take_long(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    # Seconds: no server answers a request's statement in time.
    monkeypatch.setattr(f"{create_app.__module__}.engine.databases.PATIENCE", 1e-6)
    engine.dispose()  # a connection takes its limits when it is made
    upgrade()
