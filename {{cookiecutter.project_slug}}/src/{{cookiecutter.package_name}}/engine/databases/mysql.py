"""MySQL and MariaDB, through PyMySQL."""

import inspect
from typing import Any

from pymysql.connections import Connection
from sqlalchemy import Dialect, Executable, Table, event, text

from .. import databases

SCHEMES = ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql")
ENGINE_OPTIONS: dict[str, Any] = {
    "pool_pre_ping": True,
    "pool_timeout": 2,  # seconds
    "connect_args": {"connect_timeout": 2},  # seconds
    # A transaction must not read from a snapshot that is older than an invalidation: the cache
    # would keep the old rows.
    "isolation_level": "READ COMMITTED",
}
SESSION_OPTIONS: dict[str, Any] = {
    "pool_size": 4,  # the session store has as many threads
    "connect_args": {"connect_timeout": 2, "read_timeout": 2, "write_timeout": 2},  # seconds
}
OPTIONS = {*inspect.signature(Connection).parameters, "ssl_capath", "ssl_cipher"}
OPTIONS |= {"ssl_check_hostname"}  # SQLAlchemy makes one argument of these
MISSING_TABLE = "(1146, "

OUTAGES = {1021, 1114}  # the disk is full; the table is full
READ_ONLY = {1290, 1792, 1836}  # the server, the transaction, the mode


@event.listens_for(Table, "before_create")
def _hold_any_text(table: Table, connection: Any, **_: object) -> None:
    """Make tables utf8mb4, whatever the database's own character set is."""
    if connection.dialect.name in ("mysql", "mariadb"):
        table.dialect_options["mysql"].setdefault("charset", "utf8mb4")


def normalized(url: str) -> str:
    """The same URL for SQLAlchemy, which would look for another driver by default."""
    return "mysql+pymysql:" + url.partition(":")[2]


def connect(dialect: Dialect, args: list[Any], options: dict[str, Any]) -> Any:
    limits = {"read_timeout": databases.PATIENCE, "write_timeout": databases.PATIENCE}
    return dialect.connect(*args, **options, **limits)


def is_outage(error: BaseException | None) -> bool:
    return error is not None and not OUTAGES.isdisjoint(error.args)


def is_read_only(error: BaseException | None) -> bool:
    return error is not None and not READ_ONLY.isdisjoint(error.args)


def count_rows(table: Table) -> Executable:
    estimate = "SELECT table_rows FROM information_schema.tables"
    where = "table_schema = DATABASE() AND table_name = :name"
    return text(f"{estimate} WHERE {where}").bindparams(name=table.name)


def prepare_sessions(connection: Any) -> None:
    """Do nothing: SESSION_OPTIONS are enough."""
