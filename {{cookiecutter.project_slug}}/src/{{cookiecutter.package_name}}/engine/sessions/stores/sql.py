"""Sessions in an SQL table, which the store creates in the database of SESSION_URL."""

import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from ... import databases
from ...speakers import speaker, speakers
from .. import stores

SCHEMES = tuple(speakers(databases.__name__))
check_url = databases.normalized
PATIENCE = 0.4  # seconds
THREADS = 4  # of each process, with a connection each
MOST = 2_000_000  # sessions

table = sa.Table(
    "sessions",
    sa.MetaData(),
    sa.Column("id", sa.String(160), primary_key=True),
    sa.Column("data", sa.LargeBinary(2**24 - 1), nullable=False),  # 16 MB, if there is a limit
    sa.Column("expires", sa.BigInteger, nullable=False, index=True),  # Unix time
)


class Store(stores.Store):
    """One statement for each operation, in its own transaction, on the store's own connections.

    So saving a session never commits the unfinished work of a view, and a slow view never holds
    one of the store's connections. Statements run in threads, because no driver has a time limit
    for every wait. Only a write starts the lifetime again.
    """

    errors = (sa.exc.SQLAlchemyError, TimeoutError)

    def __init__(self, url: str, lifetime: int) -> None:
        database = speaker(databases.__name__, url)
        self._engine = sa.create_engine(
            databases.normalized(url),
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            hide_parameters=True,  # in errors
            **database.SESSION_OPTIONS,
        )
        databases.leave_replicas(self._engine, database)
        prepare = database.prepare_sessions
        sa.event.listen(self._engine, "connect", lambda connection, _: prepare(connection))
        self._missing_table: str = database.MISSING_TABLE
        self._count_rows = database.count_rows
        weakref.finalize(self, self._engine.dispose)
        self._threads = ThreadPoolExecutor(THREADS, "sessions")
        self._lifetime = lifetime  # seconds

    def load(self, key: str) -> bytes | None:
        data: bytes | None = self._run(sa.select(table.c.data).where(self._alive(key)))
        return data

    def create(self, key: str, data: bytes) -> None:
        self._run(table.insert().values(id=key, data=data, expires=self._expiry()))

    def replace(self, key: str, old: bytes, new: bytes) -> bool:
        there = self._alive(key) & (table.c.data == old)
        changed = table.update().where(there).values(data=new, expires=self._expiry())
        return bool(self._run(changed))

    def delete(self, key: str) -> None:
        self._run(table.delete().where(table.c.id == key))

    def used(self) -> float:
        return max(self._run(self._count_rows(table)) or 0, 0) / MOST

    def prune(self) -> int:
        """Remove the expired rows, 1000 at a time. Returns their number."""
        expired = sa.select(table.c.id).where(table.c.expires <= time.time()).limit(1000).subquery()
        some = table.delete().where(table.c.id.in_(sa.select(expired.c.id)))
        removed = 0
        while count := self._execute(some):
            removed += count
        return removed

    def _alive(self, key: str) -> sa.ColumnElement[bool]:
        return (table.c.id == key) & (table.c.expires > int(time.time()))

    def _expiry(self) -> int:
        return int(time.time()) + self._lifetime

    def _run(self, statement: sa.Executable) -> Any:
        """The value that a statement finds, or the number of rows it changed, within PATIENCE.

        Raises TimeoutError.
        """
        waiting = self._threads.submit(self._execute, statement)
        try:
            return waiting.result(PATIENCE)
        finally:
            waiting.cancel()  # if it has not started, it must not start now

    def _execute(self, statement: sa.Executable, again: bool = True) -> Any:
        try:
            with self._engine.connect() as connection:
                result = connection.execute(statement)
                return result.scalar() if result.returns_rows else result.rowcount
        except sa.exc.DBAPIError as error:
            if not again:
                raise
            if self._missing_table in str(error):
                with suppress(sa.exc.DBAPIError):  # another process created it at the same moment
                    table.create(self._engine, checkfirst=True)
            elif not error.connection_invalidated:  # else an idle connection was closed: retry
                raise
            return self._execute(statement, again=False)
