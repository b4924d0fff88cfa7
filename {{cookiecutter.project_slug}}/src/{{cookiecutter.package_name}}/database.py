"""The database: SQLAlchemy's session for views, migrations, and tags invalidated after commit."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, FromClause, MetaData, event, text
# {% if cookiecutter.database != "sqlite" %}
from sqlalchemy.exc import OperationalError, TimeoutError
# {% endif %}
from sqlalchemy.orm import DeclarativeBase, Mapper, ORMExecuteState, Session, object_session

from .caching import invalidate
# {% if cookiecutter.database != "sqlite" %}
from .database_connections import Gate, RequestSession, refuse
# {% endif %}
from .settings import Settings

ENGINE_OPTIONS = {
    "hide_parameters": True,  # in errors, which are logged
    # {% if cookiecutter.database != "sqlite" %}
    "pool_pre_ping": True,
    "pool_timeout": 2,  # seconds
    "connect_args": {"connect_timeout": 2},  # seconds
    # {% endif %}
    # {% if cookiecutter.database == "mysql" %}
    # A snapshot from before an invalidation must not be cached after it.
    "isolation_level": "READ COMMITTED",
    # {% endif %}
}


class Base(DeclarativeBase):
    """Of every model. `__cache_tags__` name what a change of a row makes out of date."""

    metadata = MetaData(
        naming_convention={  # so that migrations can name what they drop
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    __cache_tags__: tuple[str, ...] = ()


# {% if cookiecutter.database == "sqlite" %}
db = SQLAlchemy(model_class=Base)
# {% else %}
db = SQLAlchemy(model_class=Base, session_options={"class_": RequestSession})
# {% endif %}
migrate = Migrate(db=db, directory=str(Path(__file__).parent / "migrations"))


def init_database(app: Flask, settings: Settings) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url.get_secret_value()
    app.config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", ENGINE_OPTIONS)
    db.init_app(app)
    migrate.init_app(app)
    with app.app_context():
        # {% if cookiecutter.database == "sqlite" %}
        event.listen(db.engine, "connect", _prepare)
        # {% else %}
        event.listen(db.engine, "do_connect", Gate().connect)
        # {% endif %}
    # {% if cookiecutter.database != "sqlite" %}
    for error in (OperationalError, TimeoutError):
        app.register_error_handler(error, refuse)
    # {% endif %}


def ping() -> None:
    """Ask the database for an answer, on a connection of its own. Raises what its driver raises."""
    with db.engine.connect() as connection:
        connection.execute(text("SELECT 1"))


# {% if cookiecutter.database == "sqlite" %}
def _prepare(connection: Any, _: Any) -> None:
    """Readers and a writer at the same time, writers in turn, and references that are checked."""
    for pragma in ("journal_mode = WAL", "busy_timeout = 5000", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


# {% endif %}
# A model with __cache_tags__ invalidates them after the commit that changed it: not before, when
# others still read the old row, and not after a rollback. A savepoint is neither.

_tags: WeakKeyDictionary[FromClause, set[str]] = WeakKeyDictionary()  # of each table


@event.listens_for(Mapper, "after_mapper_constructed")
def _mark_tables(mapper: Mapper[Any], model: type) -> None:
    for table in mapper.tables:  # with inheritance several, of which each gets the tags of all
        for ancestor in model.__mro__:
            _tags.setdefault(table, set()).update(getattr(ancestor, "__cache_tags__", ()))


@event.listens_for(Mapper, "after_insert")
@event.listens_for(Mapper, "after_delete")
def _note_row(mapper: Mapper[Any], _: Connection, row: Any) -> None:
    _note(cast(Session, object_session(row)), mapper.tables)


@event.listens_for(Mapper, "after_update")
def _note_change(mapper: Mapper[Any], connection: Connection, row: Any) -> None:
    if cast(Session, object_session(row)).is_modified(row):  # else nothing was written
        _note_row(mapper, connection, row)


@event.listens_for(Session, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        statement: Any = state.statement
        _note(state.session, [getattr(statement, "element", statement).table])  # `from_statement`


@event.listens_for(Session, "after_commit")
def _invalidate(session: Session) -> None:
    if not session.in_nested_transaction():
        invalidate(*session.info.pop("cache_tags", ()))


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop("cache_tags", None)


def _note(session: Session, tables: Iterable[FromClause]) -> None:
    noted = session.info.setdefault("cache_tags", set())
    noted.update(*(_tags.get(table, ()) for table in tables))
