"""SQLite: a file on this host, with many readers and one writer at a time."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, Executable, Table, func, literal_column, select

from .. import databases
from ..files import make_folder

SCHEMES = ("sqlite",)
ENGINE_OPTIONS: dict[str, Any] = {}
SESSION_OPTIONS: dict[str, Any] = {"connect_args": {"timeout": 0.4}}  # seconds
OPTIONS = {"timeout", "isolation_level", "check_same_thread", "cached_statements", "uri"}
OPTIONS |= {"mode", "cache", "immutable", "nolock", "vfs"}  # of a file: URI
MISSING_TABLE = "no such table"

# Another writer has the lock; the disk is full; the disk fails; the file cannot be opened.
OUTAGES = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
)


def normalized(url: str) -> str:
    """The same URL with the absolute path of its file. Creates the file, if it is missing."""
    start, slashes, file = url.partition(":///")
    if not file or file.startswith((":memory:", "file:")):
        return url
    path = Path(file).absolute()
    make_folder(path.parent)
    with suppress(OSError):  # the first connection says it better
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    return f"{start}{slashes}{path}"


def connect(dialect: Dialect, args: list[Any], options: dict[str, Any]) -> Any:
    """Readers do not wait for a writer, writers wait for each other, foreign keys are checked."""
    connection: Any = dialect.connect(*args, **{"timeout": databases.PATIENCE, **options})
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def is_outage(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in OUTAGES  # the other bits are details


def is_read_only(_: BaseException | None) -> bool:
    return False  # there is one file


def count_rows(table: Table) -> Executable:
    return select(func.max(literal_column("rowid"))).select_from(table)


def prepare_sessions(connection: Any) -> None:
    """Readers do not wait for a writer, and a write does not wait for the disk."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
