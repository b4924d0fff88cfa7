"""The service under test, on the chosen servers, apart from whatever else lies there."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
# {% if cookiecutter.database != "none" %}
from typing import Any
# {% endif %}

import pytest
# {% if cookiecutter.database != "none" %}
import sqlalchemy as sa
# {% endif %}
from flask import Flask
from flask.testing import FlaskClient
# {% if cookiecutter.database != "none" %}
from flask_migrate import upgrade
# {% endif %}

# {% if cookiecutter.database == "none" %}
from . import create_app
# {% elif cookiecutter.database == "sqlite" %}
from . import create_app, shop
# {% else %}
from . import create_app, settings, shop
# {% endif %}

MakeApp = Callable[..., Flask]
# {% if cookiecutter.session_store in ("filesystem", "sql") %}

PATIENCE = "{{ cookiecutter.package_name }}.sessions.{{ cookiecutter.session_store }}.PATIENCE"


@pytest.fixture(autouse=True)
def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no outage: where one is, the tests set the PATIENCE that counts."""
    monkeypatch.setattr(PATIENCE, 10)
# {% endif %}
# {% if cookiecutter.database == "sqlite" %}


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of the tests' own, migrated."""
    url = f"sqlite:///{tmp_path_factory.mktemp('database') / 'test.db'}"
    _migrate(url)
    return url
# {% elif cookiecutter.database != "none" %}


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """A database of the tests' own, migrated, beside the one of DATABASE_URL."""
    given = sa.make_url(settings.load_settings().database_url.get_secret_value())
    name = f"{given.database}_test"
    # {% if cookiecutter.database == "postgresql" %}
    server = sa.create_engine(given.set(database="postgres"), isolation_level="AUTOCOMMIT")
    # {% else %}
    server = sa.create_engine(given.set(database=""), isolation_level="AUTOCOMMIT")
    # {% endif %}
    quoted = server.dialect.identifier_preparer.quote(name)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {quoted}"))
        connection.execute(sa.text(f"CREATE DATABASE {quoted}"))
    url = given.set(database=name).render_as_string(hide_password=False)
    _migrate(url)
    yield url
    with server.connect() as connection:
        # {% if cookiecutter.database == "postgresql" %}
        connection.execute(sa.text(f"DROP DATABASE {quoted} WITH (FORCE)"))
        # {% else %}
        connection.execute(sa.text(f"DROP DATABASE {quoted}"))
        # {% endif %}
    server.dispose()
# {% endif %}
# {% if cookiecutter.database != "none" %}


def _migrate(url: str) -> None:
    app = create_app({"APP_ENV": "testing", "DATABASE_URL": url})
    with app.app_context():
        upgrade()
        app.extensions["sqlalchemy"].engine.dispose()
# {% endif %}


@pytest.fixture
def make_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeApp]:
    """Services on the servers of the environment, under names of their own.

    Those of one test share cache, sessions and database, as the workers of one service do.
    """
    shared: dict[str, object] = {
        "APP_ENV": "testing",
        "CACHE_KEY_PREFIX": f"test:{uuid.uuid4().hex}:",
        "SESSION_KEY_PREFIX": f"test:{uuid.uuid4().hex}:",
        # {% if cookiecutter.cache_backend == "filesystem" %}
        "CACHE_URL": (tmp_path / "cache").as_uri(),
        # {% endif %}
        # {% if cookiecutter.session_store == "filesystem" %}
        "SESSION_URL": (tmp_path / "sessions").as_uri(),
        # {% elif cookiecutter.session_store == "sql" and "database" not in cookiecutter.__servers %}
        "SESSION_URL": f"sqlite:///{tmp_path / 'sessions.db'}",
        # {% endif %}
        # {% if cookiecutter.database != "none" %}
        "DATABASE_URL": request.getfixturevalue("database"),
        "API_TOKEN": "test-token",
        # {% endif %}
    }
    made: list[Flask] = []

    def make(**overrides: object) -> Flask:
        made.append(create_app({**shared, **overrides}))
        return made[-1]

    yield make
    # {% if cookiecutter.database != "none" %}
    for app in made:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
    # {% endif %}
    made.clear()  # and with them whatever their session stores keep open


# {% if cookiecutter.database == "none" %}
@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """The service."""
    return make_app()


# {% else %}
@pytest.fixture
def app(make_app: MakeApp, catalogue: list[dict[str, Any]]) -> Flask:
    """The service, its catalogue as it was seeded."""
    app = make_app()
    with app.app_context():
        session = app.extensions["sqlalchemy"].session
        if _rows(session) != catalogue:
            session.execute(sa.delete(shop.models.Product))
            session.execute(sa.insert(shop.models.Product), catalogue)
            session.commit()
    return app


@pytest.fixture(scope="session")
def catalogue(database: str) -> list[dict[str, Any]]:
    """The rows of the sample products."""
    app = create_app({"APP_ENV": "testing", "DATABASE_URL": database})
    seeded = app.test_cli_runner().invoke(args=["shop", "seed"])
    assert seeded.exit_code == 0, seeded.output
    with app.app_context():
        db = app.extensions["sqlalchemy"]
        rows = _rows(db.session)
        db.session.remove()
        db.engine.dispose()
    return rows


def _rows(session: Any) -> list[dict[str, Any]]:
    columns = shop.models.Product.__table__.columns
    return [row._asdict() for row in session.execute(sa.select(*columns).order_by(columns.id))]


# {% endif %}
@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
