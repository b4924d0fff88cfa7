"""The shop under test. Each test finds the sample products, whatever others wrote."""

import functools
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from ..conftest import MakeApp
from . import Product


@pytest.fixture(scope="module")
def make_app(make_app: MakeApp) -> MakeApp:
    return functools.partial(make_app, API_TOKEN="test-token")


@pytest.fixture(scope="module")
def samples(app: Flask) -> list[Product]:
    seeded = app.test_cli_runner().invoke(args=["shop", "seed"])
    assert seeded.exit_code == 0, seeded.output
    return rows(app)


@pytest.fixture(autouse=True)
def catalogue(app: Flask, samples: list[Product]) -> Iterator[None]:
    """Each test leaves the catalogue as it found it."""
    yield
    if rows(app) != samples:
        db = app.extensions["sqlalchemy"]
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(sa.delete(db.metadata.tables["products"]))
            connection.execute(sa.insert(db.metadata.tables["products"]), samples)


def rows(app: Flask) -> list[Product]:
    db = app.extensions["sqlalchemy"]
    products = sa.select(db.metadata.tables["products"]).order_by("id")
    with app.app_context():
        return [row._asdict() for row in db.session.execute(products)]
