"""MySQL and MariaDB, through PyMySQL."""

from typing import Any

from sqlalchemy import Dialect

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
MISSING_TABLE = "(1146, "

OUTAGES = {1021, 1114}  # the disk is full; the table is full


def normalized(url: str) -> str:
    """The same URL for SQLAlchemy, which would look for another driver by default."""
    return "mysql+pymysql:" + url.partition(":")[2]


def connect(dialect: Dialect, args: list[Any], options: dict[str, Any]) -> Any:
    limits = {"read_timeout": databases.PATIENCE, "write_timeout": databases.PATIENCE}
    return dialect.connect(*args, **options, **limits)


def is_outage(error: BaseException | None) -> bool:
    return error is not None and not OUTAGES.isdisjoint(error.args)


def prepare_sessions(connection: Any) -> None:
    """Do nothing: SESSION_OPTIONS are enough."""
