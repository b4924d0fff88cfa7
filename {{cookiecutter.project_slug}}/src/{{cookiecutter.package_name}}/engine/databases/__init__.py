"""The database, with time limits: no request waits for it for longer than a few seconds.

    gate.bind               connects a Flask-SQLAlchemy `db`; if it is down, requests get 503
    gate.RequestSession     the class of `db.session`
    invalidation.watch      models with `__cache_tags__` invalidate these tags after each commit

Each kind of database is one module here, with these names:

    SCHEMES             the schemes that its URL may have
    normalized(url)     the same URL as SQLAlchemy understands it
    ENGINE_OPTIONS      for SQLAlchemy's engine of the service
    connect(dialect, args, options)     a connection for requests, with PATIENCE as time limit
    is_outage(error)    whether the database failed, not the statement: it is locked or full
    SESSION_OPTIONS, prepare_sessions(connection), MISSING_TABLE    for the session store
"""

from .. import speakers

PATIENCE = 5.0  # seconds for a statement of a request


def schemes() -> tuple[str, ...]:
    """The schemes that DATABASE_URL may have."""
    return tuple(speakers.speakers(__name__))


def normalized(url: str) -> str:
    """The same URL as SQLAlchemy understands it. Creates a file. Raises ValueError."""
    changed: str = speakers.speaker(__name__, url).normalized(url)
    return changed
