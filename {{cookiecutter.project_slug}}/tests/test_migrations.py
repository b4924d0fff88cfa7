"""Migrations: the service's own, and what `flask db migrate` writes where a model is new."""

import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import check, downgrade, migrate, revision, upgrade
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

PROJECT = Path(__file__).parents[1]


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
def migrations(app: Flask, engine: sa.Engine, tmp_path: Path) -> Path:
    """A copy of the service's, which commands may add to, in a project with its settings."""
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return Path(shutil.copytree(app.extensions["migrate"].directory, tmp_path / "migrations"))


@pytest.fixture
def notes(app: Flask) -> Iterator[str]:
    """The table of a new model."""
    metadata = app.extensions["sqlalchemy"].metadata
    table = cast(sa.Table, Note.__table__).to_metadata(metadata)
    yield table.name
    metadata.remove(table)


def test_no_model_has_a_change_without_a_migration(engine: sa.Engine) -> None:
    check()


def test_a_new_model_is_migrated_and_its_migration_passes_the_checks(
    migrations: Path, notes: str, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def written() -> set[Path]:
        return {*migrations.glob("versions/*.py")}

    caplog.set_level(logging.INFO)
    ours = written()
    migrate(migrations)
    [migration] = written() - ours
    assert "info=" not in migration.read_text()

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
