"""The database, with time limits: no request waits for it for longer than a few seconds.

    gate.bind               connects a Flask-SQLAlchemy `db`; if it is down, requests get 503
    gate.RequestSession     the class of `db.session`
    invalidation.watch      models with `__cache_tags__` invalidate these tags after each commit

Each kind of database is one module here, with these names:

    SCHEMES             the schemes that its URL may have
    normalized(url)     the same URL as SQLAlchemy understands it
    OPTIONS             the options that its URL may have
    ENGINE_OPTIONS      for SQLAlchemy's engine of the service
    connect(dialect, args, options)     a connection for requests, with PATIENCE as time limit
    is_outage(error)    whether the database failed, not the statement: it is locked or full
    is_read_only(error) whether the server does not write, because another one took over
    SESSION_OPTIONS, prepare_sessions(connection), MISSING_TABLE    for the session store
    count_rows(table)   a statement that estimates the number of rows, and takes no time
"""

from types import ModuleType

from sqlalchemy import Engine, event, make_url
from sqlalchemy.engine import ExceptionContext

from .. import speakers

PATIENCE = 5.0  # seconds for a statement of a request


def normalized(url: str) -> str:
    """The same URL as SQLAlchemy understands it. Creates a file, if it is missing.

    Raises ValueError, with the end of a sentence, if no database here takes the URL, or if its
    driver does not know one of its options.
    """
    database = speakers.speaker(__name__, url)
    changed: str = database.normalized(url)
    parsed = make_url(changed)
    if unknown := sorted(parsed.query.keys() - database.OPTIONS):
        raise ValueError(f"has the option {unknown[0]}, which its driver does not know: remove it")
    try:
        parsed.get_dialect()().create_connect_args(parsed)
    except (TypeError, ValueError):  # the text may quote a value
        raise ValueError(f"has a wrong value for one of {', '.join(parsed.query)}") from None
    return changed


def leave_replicas(engine: Engine, database: ModuleType) -> None:
    """After a planned failover, connections from before lead to a server that is a replica by now.

    Its refusal to write counts as a lost connection: new connections lead to the new primary.
    """

    @event.listens_for(engine, "handle_error")
    def note(context: ExceptionContext) -> None:
        if database.is_read_only(context.original_exception):
            context.is_disconnect = True
