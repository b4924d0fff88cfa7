"""Sessions in an SQL table, in the database of SESSION_URL. The store makes the table itself."""

import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from .interface import Store

PATIENCE = 0.4  # seconds
THREADS = 4  # and connections, of each process
# {% if cookiecutter.database == "postgresql" %}
TIMEOUTS = {"connect_timeout": 2, "tcp_user_timeout": 2000}
MISSING = "UndefinedTable"  # in the driver's words for no table
# {% elif cookiecutter.database == "mysql" %}
TIMEOUTS = {"connect_timeout": 2, "read_timeout": 2, "write_timeout": 2}
MISSING = "(1146, "  # in the driver's words for no table
# {% else %}
TIMEOUTS = {"timeout": PATIENCE}
MISSING = "no such table"  # in the driver's words for no table
# {% endif %}

table = sa.Table(
    "sessions",
    sa.MetaData(),
    sa.Column("id", sa.String(160), primary_key=True),
    sa.Column("data", sa.LargeBinary(2**24 - 1), nullable=False),  # where a length counts, 16 MB
    sa.Column("expires", sa.BigInteger, nullable=False, index=True),  # Unix time
)


class SqlStore(Store):
    """One statement for each operation, in a transaction and on a connection of its own.

    Not the ones of the views: what fails in a view is never committed here, and a slow view holds
    no connection here. Statements run in threads, because no driver limits all of its waiting.
    """

    errors = (sa.exc.SQLAlchemyError, TimeoutError)

    def __init__(self, url: str, lifetime: int) -> None:
        self._engine = sa.create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            hide_parameters=True,  # in errors
            connect_args=TIMEOUTS,
            # {% if "database" in cookiecutter.__servers %}
            pool_size=THREADS,
            # {% endif %}
        )
        # {% if "database" not in cookiecutter.__servers %}
        sa.event.listen(self._engine, "connect", _write_ahead)
        # {% endif %}
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

    def ping(self) -> None:
        self._run(sa.select(1))

    def prune(self) -> int:
        """Remove what has expired, bit by bit, since others wait; say how many rows that were."""
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
        """What a statement finds, or how many rows it changed. Raises TimeoutError."""
        waiting = self._threads.submit(self._execute, statement)
        try:
            return waiting.result(PATIENCE)
        finally:
            waiting.cancel()  # if it has not begun, it is not to

    def _execute(self, statement: sa.Executable, again: bool = True) -> Any:
        try:
            with self._engine.connect() as connection:
                result = connection.execute(statement)
                return result.scalar() if result.returns_rows else result.rowcount
        except sa.exc.DBAPIError as error:
            if not again:
                raise
            if MISSING in str(error):
                with suppress(sa.exc.DBAPIError):  # another process was faster, by a moment
                    table.create(self._engine, checkfirst=True)
            elif not error.connection_invalidated:  # cut off while it was idle, as the others are
                raise
            return self._execute(statement, again=False)
# {% if "database" not in cookiecutter.__servers %}


def _write_ahead(connection: Any, _: object) -> None:
    """Readers do not wait for writers, and a write does not wait for the disk."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
# {% endif %}
