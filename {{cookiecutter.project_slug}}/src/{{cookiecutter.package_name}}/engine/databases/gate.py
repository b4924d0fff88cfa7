"""Connects requests to the database. While it is down, they get 503 without a long wait."""

import logging
import time
from types import ModuleType
from typing import Any

from flask import Flask, current_app
from flask.typing import ResponseReturnValue
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError, TimeoutError
from werkzeug.exceptions import ServiceUnavailable

from .. import speakers
from ..middleware import current
from . import leave_replicas

PAUSE = 1.0  # seconds between attempts to reach a database that is down
LONGEST_ATTEMPT = 10.0  # seconds

logger = logging.getLogger(__name__)


def bind(db: SQLAlchemy, app: Flask, url: str) -> None:
    """Bind `db`, which uses RequestSession, to the database at a normalized URL. Connects later.

    While the database is down, requests that need it get the 503 of the app's handler for
    HTTPException. SQLALCHEMY_ENGINE_OPTIONS in the app's config replaces the options here.
    """
    database = speakers.speaker(__package__, url)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    # Errors are logged, so they must not contain the values of a row.
    options = {"hide_parameters": True, **database.ENGINE_OPTIONS}
    app.config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", options)
    db.init_app(app)
    closing: Any = app.teardown_appcontext_funcs[-1]  # the session, if there is one
    closing.__func__.unneeded_for_hits = True  # a page from the cache has none
    gate = Gate(database)
    with app.app_context():
        event.listen(db.engine, "do_connect", gate.connect)
        leave_replicas(db.engine, database)
        if app.debug:
            _time(db.engine)
    for error in (OperationalError, InternalError, TimeoutError):
        app.register_error_handler(error, gate.refuse)


def _time(engine: Engine) -> None:
    """Have each request know what its statements took."""

    @event.listens_for(engine, "before_cursor_execute", named=True)
    def begin(context: Any, **_: object) -> None:
        context.begun = time.perf_counter()

    @event.listens_for(engine, "after_cursor_execute", named=True)
    def end(context: Any, **_: object) -> None:
        if visit := current.get():
            visit.spend("database", time.perf_counter() - context.begun)


class Gate:
    """Makes connections. While the database is down, one request at a time tries to connect.

    The other requests fail at once, so that they do not keep every thread of the service waiting.
    """

    def __init__(self, database: ModuleType) -> None:
        self._database = database
        self._away = False
        self._closed_until = 0.0

    def connect(self, dialect: Dialect, _: object, args: list[Any], options: dict[str, Any]) -> Any:
        now = time.monotonic()
        if now < self._closed_until:
            raise dialect.loaded_dbapi.OperationalError("it did not answer a moment ago")
        if self._away:
            self._closed_until = now + LONGEST_ATTEMPT
        try:
            connection = self._database.connect(dialect, args, options)
        except Exception:
            self._away, self._closed_until = True, time.monotonic() + PAUSE
            raise
        self._away, self._closed_until = False, 0.0
        return connection

    def refuse(self, error: DBAPIError | TimeoutError) -> ResponseReturnValue:
        """503 if the database is down, locked or full. Otherwise raises the error again."""
        if not self._is_outage(error):
            raise error
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        logger.error("The database failed: %s: %s", type(error).__name__, reason)
        unavailable = ServiceUnavailable("The data is out of reach for the moment.", retry_after=5)
        return current_app.handle_http_exception(unavailable)

    def _is_outage(self, error: DBAPIError | TimeoutError) -> bool:
        if isinstance(error, TimeoutError):  # of the pool: all connections are in use
            return True
        if not error.statement or error.connection_invalidated:
            return True
        return bool(self._database.is_outage(error.orig))


class RequestSession(Session):
    """Closes without an error: the answer is ready, and uncommitted changes are lost anyway."""

    def close(self) -> None:
        try:
            super().close()
        except OperationalError as error:
            logger.warning("The database failed at the end: %s", type(error.orig).__name__)
            self.invalidate()
