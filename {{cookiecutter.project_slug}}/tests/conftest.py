"""The service under test, on the chosen servers, apart from whatever else lies there."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
# {% if "database" in cookiecutter.__servers %}
import sqlalchemy as sa
# {% endif %}
from flask import Flask
from flask.testing import FlaskClient
# {% if cookiecutter.database != "none" %}
from flask_migrate import upgrade
# {% endif %}

# {% if "database" in cookiecutter.__servers %}
from . import create_app, routes, settings
# {% else %}
from . import create_app, routes
# {% endif %}

MakeApp = Callable[..., Flask]
# {% if cookiecutter.session_store in ("filesystem", "sql") %}

PATIENCE = "{{ cookiecutter.package_name }}.sessions.{{ cookiecutter.session_store }}.PATIENCE"


@pytest.fixture(autouse=True)
def wait_for_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no outage: where one is, the tests set the PATIENCE that counts."""
    monkeypatch.setattr(PATIENCE, 10)
# {% endif %}
# {% if "redis" in (cookiecutter.cache_backend, cookiecutter.session_store) %}


@pytest.fixture(autouse=True)
def wait_for_redis(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the library does, but where it is about outages and the client itself."""
    if not request.path.stem.endswith(("_outage", "_client")):
        monkeypatch.setattr(f"{create_app.__module__}.redis_client.TIMEOUTS", {})
# {% endif %}
# {% if "memcached" in (cookiecutter.cache_backend, cookiecutter.session_store) %}


@pytest.fixture(autouse=True)
def wait_for_memcached(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it takes, but where it is about outages and the client itself."""
    if not request.path.stem.endswith(("_outage", "_client")):
        monkeypatch.setattr(f"{create_app.__module__}.memcached_client.TIMEOUTS", {})
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
    """Services on the servers of the environment, under names of their own, with `routes`.

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
        # {% endif %}
    }
    made: list[Flask] = []

    def make(**overrides: object) -> Flask:
        made.append(create_app({**shared, **overrides}))
        made[-1].register_blueprint(routes.bp)
        return made[-1]

    yield make
    # {% if cookiecutter.database != "none" %}
    for app in made:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
    # {% endif %}
    made.clear()  # and with them whatever their session stores keep open


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """The service."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
