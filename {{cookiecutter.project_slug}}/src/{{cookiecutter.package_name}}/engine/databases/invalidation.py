"""A model with `__cache_tags__` invalidates these tags after the commit that changes its rows.

A rollback invalidates nothing, and neither does the end of a savepoint. The listeners are for all
mappers and all sessions. Import this module before the models.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, FromClause, event
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, object_session

_callbacks: set[Callable[..., object]] = set()
_tags: WeakKeyDictionary[FromClause, set[str]] = WeakKeyDictionary()  # of each table


def watch(invalidate: Callable[..., object]) -> None:
    """Call `invalidate(*tags)` after each commit that changed rows of models with tags."""
    _callbacks.add(invalidate)


@event.listens_for(Mapper, "after_mapper_constructed")
def _mark_tables(mapper: Mapper[Any], model: type) -> None:
    for table in mapper.tables:  # several, with inheritance: each gets all tags
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
    if session.in_nested_transaction():
        return
    if tags := session.info.pop("cache_tags", None):
        for invalidate in _callbacks:
            invalidate(*tags)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop("cache_tags", None)


def _note(session: Session, tables: Iterable[FromClause]) -> None:
    noted = session.info.setdefault("cache_tags", set())
    noted.update(*(_tags.get(table, ()) for table in tables))
