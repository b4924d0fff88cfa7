"""The service under test, on the chosen servers, apart from everything else that lies there."""

import logging
import uuid
from collections.abc import Callable, Iterator

import pytest
# {% if cookiecutter.database != "none" %}
import sqlalchemy as sa
# {% endif %}
from flask import Flask
from flask.testing import FlaskClient
# {% if cookiecutter.database != "none" %}
from flask_migrate import upgrade

from . import caching, create_app, log_handler, routes, settings
# {% else %}

from . import caching, create_app, log_handler, routes
# {% endif %}

MakeApp = Callable[..., Flask]


@pytest.fixture(scope="module")
def patient() -> Iterator[pytest.MonkeyPatch]:
    """A busy machine is no outage: what the service waits for may take as long as it takes."""
    with pytest.MonkeyPatch.context() as patch:
        # {% if "redis" in (cookiecutter.cache_backend, cookiecutter.session_store) %}
        patch.setattr(f"{create_app.__module__}.engine.clients.redis.TIMEOUTS", {})
        # {% endif %}
        # {% if "memcached" in (cookiecutter.cache_backend, cookiecutter.session_store) %}
        patch.setattr(f"{create_app.__module__}.engine.clients.memcached.TIMEOUTS", {})
        # {% endif %}
        # {% if cookiecutter.session_store in ("filesystem", "sql") %}
        patch.setattr(f"{create_app.__module__}.engine.sessions.stores.{{ cookiecutter.session_store }}.PATIENCE", 10)
        # {% endif %}
        yield patch
# {% if cookiecutter.database != "none" %}


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a new database, migrated: a file, or on the server of DATABASE_URL."""
    given = sa.make_url(settings.load_settings().database_url.get_secret_value())
    if not given.host:
        yield migrated(given.set(database=str(tmp_path_factory.mktemp("database") / "test.db")))
        return
    url = given.set(database=f"{given.database}_test")
    server = sa.create_engine(given, isolation_level="AUTOCOMMIT")
    quoted = server.dialect.identifier_preparer.quote(str(url.database))
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {quoted}"))
        connection.execute(sa.text(f"CREATE DATABASE {quoted}"))
        yield migrated(url)
        # {% if cookiecutter.database == "postgresql" %}
        connection.execute(sa.text(f"DROP DATABASE {quoted} WITH (FORCE)"))
        # {% else %}
        connection.execute(sa.text(f"DROP DATABASE {quoted}"))
        # {% endif %}
    server.dispose()


def migrated(address: sa.URL) -> str:
    url = address.render_as_string(hide_password=False)
    app = create_app({"APP_ENV": "testing", "DATABASE_URL": url})
    with app.app_context():
        upgrade()
        app.extensions["sqlalchemy"].engine.dispose()
    return url
# {% endif %}


@pytest.fixture(scope="module")
def make_app(request: pytest.FixtureRequest, patient: object) -> Iterator[MakeApp]:
    """Services with `routes`. Each has its own cache; those of a module share their sessions."""
    # {% if "var/" in cookiecutter.__cache_url ~ cookiecutter.__session_url %}
    folder = request.getfixturevalue("tmp_path_factory").mktemp("service")
    # {% endif %}
    ours = f"test:{uuid.uuid4().hex}:"
    shared: dict[str, object] = {
        "APP_ENV": "testing",
        "SESSION_KEY_PREFIX": ours,
        # {% if cookiecutter.cache_backend == "filesystem" %}
        "CACHE_URL": (folder / "cache").as_uri(),
        # {% endif %}
        # {% if cookiecutter.session_store == "filesystem" %}
        "SESSION_URL": (folder / "sessions").as_uri(),
        # {% elif cookiecutter.session_store == "sql" and "database" not in cookiecutter.__servers %}
        "SESSION_URL": f"sqlite:///{folder / 'sessions.db'}",
        # {% endif %}
        # {% if cookiecutter.database != "none" %}
        "DATABASE_URL": request.getfixturevalue("database"),
        # {% endif %}
    }
    made: list[Flask] = []

    def make(**overrides: object) -> Flask:
        made.append(create_app({"CACHE_KEY_PREFIX": f"{ours}{len(made)}:", **shared, **overrides}))
        made[-1].register_blueprint(routes.bp)
        return made[-1]

    yield make
    # {% if cookiecutter.database != "none" %}
    for app in made:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
    # {% endif %}
    made.clear()  # with it goes what their session stores keep open


@pytest.fixture(scope="module")
def app(make_app: MakeApp) -> Flask:
    """The service. The tests of a module share it: a test that changes one makes its own."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A new visitor, while nothing is cached."""
    with app.app_context():
        caching.cache.clear()
    return app.test_client()


@pytest.fixture(scope="module")
def production(make_app: MakeApp) -> Iterator[Flask]:
    """The service as production runs it."""
    yield make_app(APP_ENV="production", SECRET_KEY="k" * 48, METRICS_PORT=9100)
    logging.getLogger().removeHandler(log_handler)
