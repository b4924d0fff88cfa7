"""Connections to the database that no request waits for, or on, for longer than a few seconds."""

import logging
import time
from typing import Any

# {% if cookiecutter.database == "postgresql" %}
import psycopg
# {% endif %}
from flask import Response
from flask_sqlalchemy.session import Session
from sqlalchemy import Dialect
from sqlalchemy.exc import OperationalError, TimeoutError
from werkzeug.exceptions import ServiceUnavailable

from .errors import show

PATIENCE = 5.0  # seconds for a statement of a request; what takes longer belongs elsewhere
PAUSE = 1.0  # seconds between attempts at a database that is away
LONGEST_ATTEMPT = 10.0  # seconds

logger = logging.getLogger(__name__)


class Gate:
    """Connects. While the database is away, one request at a time finds out whether it is back.

    The others fail at once: they would keep every thread of the service waiting.
    """

    def __init__(self) -> None:
        self._away = False
        self._closed_until = 0.0

    def connect(self, dialect: Dialect, _: object, args: list[Any], options: dict[str, Any]) -> Any:
        now = time.monotonic()
        if now < self._closed_until:
            raise dialect.loaded_dbapi.OperationalError("it did not answer a moment ago")
        if self._away:
            self._closed_until = now + LONGEST_ATTEMPT
        try:
            # {% if cookiecutter.database == "postgresql" %}
            connection = Connection.connect(*args, **options)
            # {% else %}
            limits = {"read_timeout": PATIENCE, "write_timeout": PATIENCE}
            connection = dialect.connect(*args, **options, **limits)
            # {% endif %}
        except Exception:
            self._away, self._closed_until = True, time.monotonic() + PAUSE
            raise
        self._away, self._closed_until = False, 0.0
        return connection
# {% if cookiecutter.database == "postgresql" %}


class Connection(psycopg.Connection[Any]):
    """Gives up on a server that hangs, which libpq has no setting for.

    With statement_timeout it is the server that looks at its clock; tcp_user_timeout and
    keepalives ask its kernel, which answers for a process that is stopped.
    """

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, PATIENCE if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()  # the answer may still come, and is nobody's any more
            raise
# {% endif %}


class RequestSession(Session):
    """Ends without an error: the answer is ready, and what is not committed gets lost anyway."""

    def close(self) -> None:
        try:
            super().close()
        except OperationalError as error:
            logger.warning("The database failed at the end: %s", type(error.orig).__name__)
            self.invalidate()


def refuse(error: OperationalError | TimeoutError) -> Response:
    """503 when the database is away. Raises the error where it is the statement's fault."""
    if isinstance(error, OperationalError) and error.statement and not error.connection_invalidated:
        raise error
    reason = str(getattr(error, "orig", error)).partition("\n")[0]
    logger.error("The database failed: %s: %s", type(error).__name__, reason)
    return show(ServiceUnavailable("This is out of reach for the moment.", retry_after=5))
