"""A model with `__cache_tags__` invalidates these tags after the commit that changes its rows.

What changes with a row counts, too: rows that the database deletes or changes because of a foreign
key (ON DELETE, ON UPDATE), and the pairs of a many-to-many relationship, which have the tags of
both sides. A rollback invalidates nothing, and neither does the end of a savepoint.

The listeners are for all mappers and all sessions. Import this module before the models.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Connection, FromClause, Table, event, inspect
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, object_session

_callbacks: set[Callable[..., object]] = set()
_mappers: WeakSet[Mapper[Any]] = WeakSet()
_tags: WeakKeyDictionary[FromClause, set[str]] = WeakKeyDictionary()  # of each table


def watch(invalidate: Callable[..., object]) -> None:
    """Call `invalidate(*tags)` after each commit that changed rows of models with tags."""
    _callbacks.add(invalidate)


@event.listens_for(Mapper, "after_mapper_constructed")
def _mark_tables(mapper: Mapper[Any], model: type) -> None:
    _mappers.add(mapper)
    for table in mapper.tables:  # several, with inheritance: each gets all tags
        for ancestor in model.__mro__:
            _tags.setdefault(table, set()).update(getattr(ancestor, "__cache_tags__", ()))


@event.listens_for(Mapper, "after_configured")
def _mark_pairs() -> None:
    for mapper in _mappers:
        for _, pairs, other in _many_to_many(mapper):
            for table in (*mapper.tables, *other.tables):
                _tags.setdefault(pairs, set()).update(_tags.get(table, ()))


def _many_to_many(mapper: Mapper[Any]) -> Iterator[tuple[str, FromClause, Mapper[Any]]]:
    """The relationships with a table of pairs: name, table and the other side's mapper."""
    for relationship in mapper.relationships:
        if relationship.secondary is not None and not relationship.viewonly:
            yield relationship.key, relationship.secondary, relationship.mapper


@event.listens_for(Mapper, "after_insert")
def _note_row(mapper: Mapper[Any], _: Connection, row: Any) -> None:
    _note(cast(Session, object_session(row)), mapper.tables)


@event.listens_for(Mapper, "after_delete")
def _note_deletion(mapper: Mapper[Any], _: Connection, row: Any) -> None:
    _note(cast(Session, object_session(row)), mapper.tables, "ondelete")


@event.listens_for(Mapper, "after_update")
def _note_change(mapper: Mapper[Any], connection: Connection, row: Any) -> None:
    if cast(Session, object_session(row)).is_modified(row):  # else nothing was written
        _note(cast(Session, object_session(row)), mapper.tables, "onupdate")


@event.listens_for(Session, "after_flush")
def _note_pairs(session: Session, _: object) -> None:
    for row in {*session.new, *session.dirty, *session.deleted}:
        state: Any = inspect(row)
        for name, pairs, _other in _many_to_many(state.mapper):
            if row in session.deleted or state.attrs[name].history.has_changes():
                _note(session, [pairs])


@event.listens_for(Session, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        statement: Any = state.statement
        rule = "ondelete" if state.is_delete else "onupdate"
        table = getattr(statement, "element", statement).table  # `element` is of `from_statement`
        _note(state.session, [table], rule)


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


def _note(session: Session, tables: Iterable[FromClause], rule: str = "") -> None:
    noted = session.info.setdefault("cache_tags", set())
    for table in {*tables, *(_followers(tables, rule) if rule else ())}:
        noted.update(_tags.get(table, ()))


def _followers(tables: Iterable[FromClause], rule: str) -> set[FromClause]:
    """The tables whose rows the database changes with these, by the foreign keys' `rule`."""
    found: set[FromClause] = set()
    changed = [table for table in tables if isinstance(table, Table)]
    while changed:
        table = changed.pop()  # `==`, because a statement may have an annotated copy of it
        for other in table.metadata.tables.values():
            keys = [key for key in other.foreign_keys if key.column.table == table]
            if other not in found and any(getattr(key, rule) for key in keys):
                found.add(other)
                changed.append(other)
    return found
