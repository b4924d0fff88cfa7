"""The tests' own database."""

from collections.abc import Iterator

import pytest
from flask_migrate import upgrade

from . import create_app, settings
from .engine.databases.conftest import new_database


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a new database, migrated: a file, or on the server of DATABASE_URL."""
    given = settings.load_settings().database_url.get_secret_value()
    with new_database(given, "test", tmp_path_factory) as url:
        app = create_app({"APP_ENV": "testing", "DATABASE_URL": url})
        with app.app_context():
            upgrade()
            app.extensions["sqlalchemy"].engine.dispose()
        yield url
