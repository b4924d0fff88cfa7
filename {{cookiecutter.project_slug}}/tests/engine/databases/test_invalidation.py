"""Models with `__cache_tags__`: what a commit changed is invalidated, after it and only then."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from ..hub import invalidation
from .conftest import MakeApp


class Base(DeclarativeBase):
    pass


class Article(Base):
    __tablename__ = "test_articles"
    __cache_tags__ = ("articles", "feed")

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(sa.String(80))


AUTHOR = {"polymorphic_on": "kind", "polymorphic_identity": "author"}
EDITOR = {"polymorphic_identity": "editor"}


class Author(Base):
    __tablename__ = "test_authors"
    __mapper_args__ = AUTHOR
    __cache_tags__ = ("authors",)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(sa.String(20), default="author")
    letters: Mapped[list["Letter"]] = relationship(cascade="all, delete-orphan")


class Editor(Author):
    __tablename__ = "test_editors"
    __mapper_args__ = EDITOR
    __cache_tags__ = ("editors",)

    id: Mapped[int] = mapped_column(sa.ForeignKey("test_authors.id"), primary_key=True)
    desk: Mapped[str] = mapped_column(sa.String(20), default="")


class Letter(Base):
    __tablename__ = "test_letters"
    __cache_tags__ = ("letters",)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("test_authors.id"))


PAIRS = sa.Table(
    "test_pairs",
    Base.metadata,
    *(
        sa.Column(name, sa.ForeignKey(f"test_{name}s.id", ondelete="CASCADE"), primary_key=True)
        for name in ("shelf", "book")
    ),
)


class Shelf(Base):
    __tablename__ = "test_shelfs"
    __cache_tags__ = ("shelves",)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    books: Mapped[list["Book"]] = relationship(secondary=PAIRS, back_populates="shelves")


class Book(Base):
    __tablename__ = "test_books"
    __cache_tags__ = ("books",)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    shelves: Mapped[list[Shelf]] = relationship(secondary=PAIRS, back_populates="books")
    pages: Mapped[list["Page"]] = relationship(passive_deletes="all")


class Page(Base):
    __tablename__ = "test_pages"
    __cache_tags__ = ("pages",)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("test_books.id", ondelete="CASCADE"))


class Mark(Base):
    __tablename__ = "test_marks"
    __cache_tags__ = ("marks",)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    page_id: Mapped[int | None] = mapped_column(sa.ForeignKey("test_pages.id", ondelete="SET NULL"))


TABLE = cast(sa.Table, Article.__table__)


@pytest.fixture(scope="module")
def app(make_app: MakeApp) -> Iterator[Flask]:
    """The app of all tests here, with their tables."""
    app = make_app()
    with app.app_context():
        Base.metadata.create_all(app.extensions["sqlalchemy"].engine)
    yield app
    with app.app_context():
        Base.metadata.drop_all(app.extensions["sqlalchemy"].engine)


@pytest.fixture
def invalidated(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The tags of each call, instead of what the service watches."""
    seen: list[set[str]] = []
    monkeypatch.setattr(invalidation, "_callbacks", set())
    invalidation.watch(lambda *tags: seen.append(set(tags)))
    return seen


@pytest.fixture
def session(app: Flask, invalidated: list[set[str]]) -> Iterator[Session]:
    """A session, and an article with the id 1."""
    db = app.extensions["sqlalchemy"]
    with app.app_context():
        db.session.add(Article(id=1, title="first"))
        db.session.commit()
        invalidated.clear()
        yield db.session
        db.session.rollback()
        with db.engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())


def modify(session: Session) -> None:
    session.get_one(Article, 1).title = "other"


CHANGES: dict[str, Callable[[Any], object]] = {
    "add": lambda session: session.add(Article(id=2, title="second")),
    "modify": modify,
    "delete": lambda session: session.delete(session.get_one(Article, 1)),
    "insert many": lambda session: session.execute(
        sa.insert(Article), [{"id": number, "title": "many"} for number in (3, 4)]
    ),
    "update many": lambda session: session.execute(sa.update(Article).values(title="all")),
    "delete many": lambda session: session.execute(sa.delete(Article)),
    "query": lambda session: session.query(Article).update({"title": "old style"}),
    "table": lambda session: session.execute(sa.update(TABLE).values(title="core")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_invalidated_after_its_commit_and_never_after_a_rollback(
    session: Session, invalidated: list[set[str]], change: Callable[[Session], object]
) -> None:
    change(session)
    session.flush()
    session.rollback()
    session.commit()
    assert invalidated == []
    change(session)
    session.flush()
    assert invalidated == []
    session.commit()
    assert invalidated == [{"articles", "feed"}]
    session.commit()
    assert len(invalidated) == 1


def test_a_statement_may_give_back_what_it_changed(
    session: Session, invalidated: list[set[str]]
) -> None:
    change = sa.update(Article).values(title="other").returning(Article)
    with suppress(sa.exc.ProgrammingError):  # not every database can
        session.scalars(sa.select(Article).from_statement(change)).all()
    session.commit()
    assert invalidated == [{"articles", "feed"}]


def test_a_row_that_its_owner_lets_go_of_is_a_change(
    session: Session, invalidated: list[set[str]]
) -> None:
    author = Author(id=1, letters=[Letter(id=1)])
    session.add(author)
    session.commit()
    invalidated.clear()
    author.letters.clear()
    session.commit()
    assert "letters" in invalidated[0]


def put(session: Session) -> None:
    shelf = session.get_one(Shelf, 1)
    shelf.books.append(session.get_one(Book, 2))
    session.flush()


def be_put(session: Session) -> None:
    book = session.get_one(Book, 2)
    book.shelves.append(session.get_one(Shelf, 1))
    session.flush()


def clear(session: Session) -> None:
    shelf = session.get_one(Shelf, 1)
    shelf.books.clear()
    session.flush()


RELATED: dict[str, tuple[Callable[[Any], object], set[str]]] = {
    "append": (put, {"shelves", "books"}),
    "append to the other side": (be_put, {"shelves", "books"}),
    "clear": (clear, {"shelves", "books"}),
    "pairs": (
        lambda session: session.execute(sa.insert(PAIRS).values(shelf=1, book=2)),
        {"shelves", "books"},
    ),
    "delete": (
        lambda session: session.delete(session.get_one(Book, 1)),
        {"shelves", "books", "pages", "marks"},
    ),
    "delete many": (
        lambda session: session.execute(sa.delete(Book)),
        {"shelves", "books", "pages", "marks"},
    ),
    "delete pages": (lambda session: session.execute(sa.delete(Page)), {"pages", "marks"}),
}


@pytest.mark.parametrize(("change", "tags"), RELATED.values(), ids=RELATED.keys())
def test_what_changes_with_a_row_is_invalidated_too(
    session: Session,
    invalidated: list[set[str]],
    change: Callable[[Session], object],
    tags: set[str],
) -> None:
    session.add_all([Shelf(id=1, books=[Book(id=1)]), Book(id=2)])
    session.flush()
    session.add(Page(id=1, book_id=1))
    session.flush()
    session.add(Mark(id=1, page_id=1))
    session.commit()
    invalidated.clear()
    change(session)
    session.commit()
    assert invalidated == [tags]


def test_a_row_of_two_tables_has_the_tags_of_both(
    session: Session, invalidated: list[set[str]]
) -> None:
    editor = Editor(id=1)
    session.add(editor)
    session.commit()
    editor.desk = "science"
    session.commit()
    session.execute(sa.update(Author).values(kind="editor"))
    session.commit()
    session.execute(sa.update(Editor).values(desk="sports"))
    session.commit()
    assert invalidated == [{"authors", "editors"}] * 4


def test_a_row_that_was_set_to_what_it_is_has_not_changed(
    session: Session, invalidated: list[set[str]]
) -> None:
    article = session.get_one(Article, 1)
    article.title = str(article.title)
    session.commit()
    assert invalidated == []


def test_a_savepoint_is_no_commit(session: Session, invalidated: list[set[str]]) -> None:
    with session.begin_nested():
        modify(session)
    assert invalidated == []
    session.commit()
    assert invalidated == [{"articles", "feed"}]


def test_a_savepoint_rolled_back_keeps_what_came_before_it(
    session: Session, invalidated: list[set[str]]
) -> None:
    modify(session)
    session.flush()
    session.begin_nested().rollback()
    session.commit()
    assert invalidated == [{"articles", "feed"}]


def test_reading_invalidates_nothing(session: Session, invalidated: list[set[str]]) -> None:
    assert session.get_one(Article, 1).title == "first"
    session.execute(sa.select(Article))
    session.commit()
    assert invalidated == []


def test_an_error_does_not_tell_what_a_row_was_to_hold(session: Session) -> None:
    session.add(Article(id=1, title="hunter2"))  # there is one
    with pytest.raises(sa.exc.IntegrityError) as refused:
        session.commit()
    assert "hunter2" not in str(refused.value)
