"""Sessions in a table: its statements, its own transactions, its upkeep."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
# {% if cookiecutter.database == "none" %}
from flask import session
# {% else %}
from flask import abort, session
from flask_migrate import check
# {% endif %}

from . import sessions
from .conftest import MakeApp
from .visitor import Visitor, look, nothing, pass_time

table: sa.Table = sessions.sql.table


@pytest.fixture
def alice(make_app: MakeApp) -> Visitor:
    visitor = Visitor(make_app())
    visitor.do(lambda: session.update(user="alice"))
    return visitor


def engine(visitor: Visitor) -> sa.Engine:
    interface: Any = visitor.app.session_interface
    found: sa.Engine = interface.store._engine
    return found


def statements(visitor: Visitor, work: Callable[[], object]) -> list[str]:
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(args[2].split()[0])

    sa.event.listen(engine(visitor), "before_cursor_execute", note)
    work()
    sa.event.remove(engine(visitor), "before_cursor_execute", note)
    return seen


def rows(visitor: Visitor) -> int:
    ours = table.c.id.startswith(visitor.app.config["SESSION_KEY_PREFIX"])
    with engine(visitor).connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).where(ours)) or 0


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
    assert rows(alice) == 2

    result = alice.app.test_cli_runner().invoke(args=["sessions", "prune"])
    assert result.output.startswith("Removed ")
    assert rows(alice) == 1
    assert bob.do(look) == "bob"
    (index,) = sa.inspect(engine(alice)).get_indexes("sessions")
    assert index["column_names"] == ["expires"]


def test_what_has_expired_is_removed_a_thousand_rows_at_a_time(alice: Visitor) -> None:
    prefix = alice.app.config["SESSION_KEY_PREFIX"]
    old = [{"id": f"{prefix}{number}", "data": b"{}", "expires": 1} for number in range(2500)]
    with engine(alice).begin() as connection:
        connection.execute(table.insert(), old)
    interface: Any = alice.app.session_interface

    assert statements(alice, lambda: interface.store.prune()) == ["DELETE"] * 4
    assert rows(alice) == 1


def test_the_table_is_made_on_first_use_by_whoever_is_first(make_app: MakeApp) -> None:
    services = [make_app() for _ in range(4)]
    with engine(Visitor(services[0])).begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS sessions"))
    together = threading.Barrier(len(services))

    def first(number: int) -> None:
        together.wait(5)
        Visitor(services[number]).do(lambda: session.update(user="first"))

    with ThreadPoolExecutor(len(services)) as threads:
        list(threads.map(first, range(len(services))))


def test_a_session_of_more_than_64_kilobytes_is_kept_whole(alice: Visitor) -> None:
    alice.do(lambda: session.update(large="x" * 100_000))
    assert alice.do(lambda: len(session["large"])) == 100_000


def test_a_slow_view_holds_no_connection(alice: Visitor) -> None:
    def view() -> object:
        look()
        pool: Any = engine(alice).pool
        return pool.checkedout()

    assert alice.do(view) == 0
# {% if "database" not in cookiecutter.__servers %}


def test_a_database_in_which_somebody_writes_is_asked_once_and_for_as_long_as_promised(
    alice: Visitor,
) -> None:
    with engine(alice).connect() as connection:
        waits = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    assert waits == 1000 * sessions.sql.TIMEOUTS["timeout"]

    with engine(alice).connect() as writer:
        writer.exec_driver_sql("BEGIN IMMEDIATE")
        write = statements(alice, lambda: alice.request(lambda: session.update(x=1)))
        writer.exec_driver_sql("ROLLBACK")
    assert write == ["SELECT", "UPDATE"]
# {% endif %}
# {% if cookiecutter.database != "none" %}


def test_migrations_leave_the_table_alone(alice: Visitor) -> None:
    with alice.app.app_context():
        table.create(alice.app.extensions["sqlalchemy"].engine, checkfirst=True)
        check()


def test_what_a_view_left_half_done_is_not_committed_with_the_session(alice: Visitor) -> None:
    db = alice.app.extensions["sqlalchemy"]
    products = db.metadata.tables["products"]

    def view() -> None:
        session["tries"] = 1
        db.session.execute(products.delete())
        abort(400)

    def count() -> object:
        return db.session.scalar(sa.select(sa.func.count()).select_from(products))

    before = alice.do(count)
    assert alice.request(view).status_code == 400
    assert alice.do(lambda: [count(), session["tries"]]) == [before, 1]
# {% endif %}
