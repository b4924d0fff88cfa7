"""The shop under test, its catalogue as it was seeded."""

import functools
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from .. import create_app
from ..conftest import MakeApp

Rows = list[dict[str, Any]]


@pytest.fixture
def make_app(make_app: MakeApp) -> MakeApp:
    return functools.partial(make_app, API_TOKEN="test-token")


@pytest.fixture
def app(make_app: MakeApp, catalogue: Rows) -> Flask:
    app = make_app()
    with app.app_context():
        db = app.extensions["sqlalchemy"]
        if rows(db) != catalogue:
            products = db.metadata.tables["products"]
            db.session.execute(sa.delete(products))
            db.session.execute(sa.insert(products), catalogue)
            db.session.commit()
    return app


@pytest.fixture(scope="session")
def catalogue(database: str) -> Rows:
    """The sample products."""
    app = create_app({"APP_ENV": "testing", "DATABASE_URL": database})
    seeded = app.test_cli_runner().invoke(args=["shop", "seed"])
    assert seeded.exit_code == 0, seeded.output
    with app.app_context():
        db = app.extensions["sqlalchemy"]
        found = rows(db)
        db.session.remove()
        db.engine.dispose()
    return found


def rows(db: Any) -> Rows:
    products = db.metadata.tables["products"]
    return [row._asdict() for row in db.session.execute(sa.select(products).order_by("id"))]
