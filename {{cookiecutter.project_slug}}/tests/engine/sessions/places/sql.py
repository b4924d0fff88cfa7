"""A table of the tests' own, in the database of SESSION_URL or in a file."""

import uuid
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from ...hub import stores
from .. import places

sql: Any = import_module(".sql", stores.__name__)
SCHEMES = sql.SCHEMES


class Place(places.Place):
    def __init__(self, given: str, folder: Path) -> None:
        self.is_server = bool(urlsplit(given).netloc)
        file = f"{given.partition(':')[0]}:///{folder / 'sessions.db'}"
        super().__init__(given if self.is_server else file, folder)
        name = f"test_sessions_{uuid.uuid4().hex[:8]}"
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(sql, "table", sql.table.to_metadata(sa.MetaData(), name=name))

    def way(self, url: str) -> places.Way:
        return super().way(url) if self.is_server else File(url)

    def close(self) -> None:
        engine = sql.Store(self.given, 1)._engine
        sql.table.drop(engine, checkfirst=True)
        engine.dispose()
        self.patch.undo()
        super().close()


class File:
    """A database in which somebody else has begun to write."""

    def __init__(self, url: str) -> None:
        self.near_end = url
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.StaticPool)
        self.connection = engine.connect()
        self.failing = False

    def fail(self, _: str) -> None:
        self.connection.exec_driver_sql("BEGIN EXCLUSIVE")
        self.failing = True

    def mend(self) -> None:
        if self.failing:
            self.connection.exec_driver_sql("ROLLBACK")
            self.failing = False

    def end(self) -> None:
        self.connection.close()
        self.connection.engine.dispose()
