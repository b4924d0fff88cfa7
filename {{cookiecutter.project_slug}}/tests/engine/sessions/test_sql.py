"""Sessions in a table: its statements, its own transactions, its upkeep."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from typing import Any

import pytest
import sqlalchemy as sa
from flask import session

from ..hub import stores
from ..visitor import Visitor, look, nothing, pass_time
from ..waiting import LONG
from .conftest import MakeApp
from .store import key, store_of

pytestmark = pytest.mark.usefixtures("patient")
sql: Any = import_module(".sql", stores.__name__)


def engine(visitor: Visitor) -> sa.Engine:
    found: sa.Engine = store_of(visitor.app)._engine
    return found


def statements(visitor: Visitor, work: Callable[[], object]) -> list[str]:
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(args[2].split()[0])

    sa.event.listen(engine(visitor), "before_cursor_execute", note)
    work()
    sa.event.remove(engine(visitor), "before_cursor_execute", note)
    return seen


def keys(visitor: Visitor, prefix: str) -> list[str]:
    ids = sql.table.c.id
    with engine(visitor).connect() as connection:
        return list(connection.scalars(sa.select(ids).where(ids.startswith(prefix))))


def test_a_request_costs_no_statement_one_or_two(alice: Visitor) -> None:
    assert statements(alice, lambda: alice.do(nothing)) == []
    assert statements(alice, lambda: alice.do(look)) == ["SELECT"]
    write = statements(alice, lambda: alice.do(lambda: session.update(x=1)))
    assert write == ["SELECT", "UPDATE"]


def test_a_session_in_use_outlives_its_lifetime_for_a_statement_now_and_then(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifetime = alice.app.permanent_session_lifetime.total_seconds()
    for _ in range(3):
        pass_time(monkeypatch, seconds=lifetime * 0.6)
        assert statements(alice, lambda: alice.do(look)) == ["SELECT", "UPDATE"]
        assert alice.do(look) == "alice"
    pass_time(monkeypatch, seconds=lifetime + 1)
    assert alice.do(look) is None


def test_prune_removes_the_expired_and_has_an_index_for_it(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = alice.app.permanent_session_lifetime.total_seconds() / 2
    pass_time(monkeypatch, seconds=half)
    bob = Visitor(alice.app)
    bob.do(lambda: session.update(user="bob"))
    pass_time(monkeypatch, seconds=half + 2)
    assert keys(alice, key(alice))

    assert store_of(alice.app).prune() > 0
    assert not keys(alice, key(alice))
    assert bob.do(look) == "bob"
    (index,) = sa.inspect(engine(alice)).get_indexes(sql.table.name)
    assert index["column_names"] == ["expires"]


def test_what_has_expired_is_removed_a_thousand_rows_at_a_time(alice: Visitor) -> None:
    store = store_of(alice.app)
    store.prune()
    old = [{"id": f"old{number}", "data": b"{}", "expires": 1} for number in range(2500)]
    with engine(alice).begin() as connection:
        connection.execute(sql.table.insert(), old)

    assert statements(alice, store.prune) == ["DELETE"] * 4
    assert not keys(alice, "old")
    assert alice.do(look) == "alice"


def test_the_table_is_made_on_first_use_by_the_first_process(make_app: MakeApp, url: str) -> None:
    visitors = [Visitor(make_app(at=url)) for _ in range(4)]
    sql.table.drop(engine(visitors[0]), checkfirst=True)
    together = threading.Barrier(len(visitors))

    def first(visitor: Visitor) -> None:
        together.wait(LONG)
        visitor.do(lambda: session.update(user="first"))

    with ThreadPoolExecutor(len(visitors)) as threads:
        list(threads.map(first, visitors))


def test_a_session_of_more_than_64_kilobytes_is_kept_whole(alice: Visitor) -> None:
    alice.do(lambda: session.update(large="x" * 100_000))
    assert alice.do(lambda: len(session["large"])) == 100_000


def test_a_slow_view_holds_no_connection(alice: Visitor) -> None:
    def view() -> object:
        look()
        pool: Any = engine(alice).pool
        return pool.checkedout()

    assert alice.do(view) == 0


def test_a_row_that_another_process_has_locked_is_written_once_and_not_waited_for(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "PATIENCE", 0.4)
    with engine(alice).connect() as writer:
        writer.exec_driver_sql("BEGIN")
        writer.execute(sql.table.update().values(expires=sql.table.c.expires))
        write = statements(alice, lambda: alice.request(lambda: session.update(x=1)))
        writer.exec_driver_sql("ROLLBACK")
    assert write == ["SELECT", "UPDATE"]


def test_the_table_tells_how_much_of_its_limit_is_used(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "MOST", 1)
    store = store_of(alice.app)

    def rows() -> float:
        for analyze in ("ANALYZE", "ANALYZE TABLE"):  # for servers that estimate
            with suppress(sa.exc.DBAPIError), engine(alice).connect() as connection:
                connection.exec_driver_sql(f"{analyze} {sql.table.name}").close()
        return float(store.used())

    before = rows()
    for number in range(20):
        store.create(f"filler {number}", b"{}")
    assert rows() == before + 20
    for number in range(20):
        store.delete(f"filler {number}")
