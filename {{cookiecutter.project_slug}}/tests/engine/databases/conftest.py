"""Bare Flask apps on a database of the tests' own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import sqlalchemy as sa
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from werkzeug.test import TestResponse

from ..hub import gate, load_settings

MakeApp = Callable[..., Flask]
Ask = Callable[..., TestResponse]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = load_settings().database_url.get_secret_value()
    with new_database(given, "engine_test", tmp_path_factory) as url:
        yield url


@contextmanager
def new_database(given: str, suffix: str, folders: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a new, empty database: a file, or on the server of the given URL."""
    there = sa.make_url(given)
    if not there.host:
        yield there.set(database=str(folders.mktemp("database") / "test.db")).render_as_string()
        return
    new = there.set(database=f"{there.database}_{suffix}")
    server = sa.create_engine(there, isolation_level="AUTOCOMMIT")
    quoted = server.dialect.identifier_preparer.quote(str(new.database))
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {quoted}"))
        connection.execute(sa.text(f"CREATE DATABASE {quoted}"))
        yield new.render_as_string(hide_password=False)
        with suppress(sa.exc.ProgrammingError):  # not every server knows FORCE, or needs it
            connection.execute(sa.text(f"DROP DATABASE {quoted} WITH (FORCE)"))
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {quoted}"))
    server.dispose()


@pytest.fixture(scope="module")
def make_app(database: str) -> Iterator[MakeApp]:
    """Apps whose POST /sql executes the statement in its body."""
    made: list[Flask] = []

    def make(url: str = database, **config: object) -> Flask:
        db = SQLAlchemy(session_options={"class_": gate.RequestSession})
        app = Flask(__name__)
        app.config.update(config)
        gate.bind(db, app, url)

        @app.post("/sql")
        def execute() -> str:
            db.session.execute(sa.text(request.get_data(as_text=True)))
            db.session.commit()
            return "done"

        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def ask(app: Flask) -> Ask:
    """Executes a statement in a request."""
    return lambda statement: app.test_client().post("/sql", data=statement)
