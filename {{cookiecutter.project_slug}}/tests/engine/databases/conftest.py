"""Bare Flask apps on a database of the tests' own."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from werkzeug.test import TestResponse

from . import gate, load_settings

MakeApp = Callable[..., Flask]
Ask = Callable[..., TestResponse]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a new database: a file, or on the server of DATABASE_URL."""
    given = sa.make_url(load_settings().database_url.get_secret_value())
    if not given.host:
        file = tmp_path_factory.mktemp("database") / "test.db"
        yield given.set(database=str(file)).render_as_string()
        return
    name = f"{given.database}_engine_test"
    server = sa.create_engine(given, isolation_level="AUTOCOMMIT")
    quoted = server.dialect.identifier_preparer.quote(name)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {quoted}"))
        connection.execute(sa.text(f"CREATE DATABASE {quoted}"))
        yield given.set(database=name).render_as_string(hide_password=False)
        connection.execute(sa.text(f"DROP DATABASE {quoted}"))
    server.dispose()


@pytest.fixture
def make_app(database: str) -> Iterator[MakeApp]:
    """Apps whose POST /sql executes the statement in its body."""
    made: list[Flask] = []

    def make(url: str = database) -> Flask:
        db = SQLAlchemy(session_options={"class_": gate.RequestSession})
        app = Flask(__name__)
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
