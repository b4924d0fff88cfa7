"""PostgreSQL, through psycopg 3."""

from typing import Any

import psycopg
from sqlalchemy import Dialect, Executable, Table, text

from .. import databases

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
# A pooler such as PgBouncer gives each transaction another connection of the server, which does not
# have the statements that were prepared on the last one.
UNPREPARED: dict[str, Any] = {"prepare_threshold": None}
ENGINE_OPTIONS: dict[str, Any] = {
    "pool_pre_ping": True,
    "pool_timeout": 2,  # seconds
    "connect_args": {"connect_timeout": 2, **UNPREPARED},  # seconds; the least psycopg allows
}
SESSION_OPTIONS: dict[str, Any] = {
    "pool_size": 4,  # the session store has as many threads
    # seconds, milliseconds
    "connect_args": {"connect_timeout": 2, "tcp_user_timeout": 2000, **UNPREPARED},
}
OPTIONS = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
MISSING_TABLE = "UndefinedTable"


class Connection(psycopg.Connection[Any]):
    """A connection that gives up on a server that hangs. libpq has no setting for that.

    statement_timeout needs a server that runs. tcp_user_timeout and keepalives do not help: the
    server's kernel answers them, even if the server's process is stopped.
    """

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            patience = databases.PATIENCE if timeout is None else timeout
            return super().wait(gen, interval, patience)
        except psycopg.OperationalError:
            if self.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()  # the answer may still come, and the next statement would read it
            raise


def normalized(url: str) -> str:
    """The same URL for SQLAlchemy, which does not know `postgres://`."""
    return "postgresql+psycopg:" + url.partition(":")[2]


def connect(_: Dialect, args: list[Any], options: dict[str, Any]) -> Any:
    return Connection.connect(*args, **options)


def is_outage(error: BaseException | None) -> bool:
    state = getattr(error, "sqlstate", None) or ""
    return state.startswith("53")  # insufficient resources, such as disk space


def is_read_only(error: BaseException | None) -> bool:
    return getattr(error, "sqlstate", None) == "25006"


def count_rows(table: Table) -> Executable:
    estimate = "SELECT reltuples FROM pg_class WHERE oid = to_regclass(:name)"
    return text(estimate).bindparams(name=table.name)


def prepare_sessions(connection: Any) -> None:
    """Do nothing: SESSION_OPTIONS are enough."""
