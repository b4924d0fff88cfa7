"""The service under test, on the chosen servers, apart from everything else that lies there."""

import logging
import uuid
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from . import caching, create_app, log_handler, routes, settings
from .engine.apart import own_files, patience

MakeApp = Callable[..., Flask]
HAS_DATABASE = "database_url" in settings.Settings.model_fields

pytest_plugins = [f"{__package__}.database"] if HAS_DATABASE else []


@pytest.fixture(scope="module")
def patient() -> Iterator[None]:
    """A busy machine is no outage: what the service waits for may take as long as it takes."""
    with patience():
        yield


@pytest.fixture(scope="module")
def make_app(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, patient: None
) -> Iterator[MakeApp]:
    """Services with `routes`. Each has its own cache; those of a module share their sessions."""
    ours = f"test:{uuid.uuid4().hex}:"
    shared: dict[str, object] = {"APP_ENV": "testing", "SESSION_KEY_PREFIX": ours}
    shared |= own_files(settings.load_settings().model_dump(), tmp_path_factory.mktemp("service"))
    if HAS_DATABASE:
        shared["DATABASE_URL"] = request.getfixturevalue("database")
    made: list[Flask] = []

    def make(**overrides: object) -> Flask:
        made.append(create_app({"CACHE_KEY_PREFIX": f"{ours}{len(made)}:", **shared, **overrides}))
        made[-1].register_blueprint(routes.bp)
        return made[-1]

    yield make
    for app in made:
        if database := app.extensions["backends"].get("database"):
            with app.app_context():
                database.engine.dispose()
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
