"""Rows of the database in the cache: a hit never raises what the first call did not."""

from pathlib import Path

import pytest

from tests.project import bake

ROWS = """
from sqlalchemy import inspect

from my_service import create_app
from my_service.caching import cache
from my_service.database import db
from my_service.shop.models import Product

def product(name, committed=False, deferred=False):
    found = db.session.query(Product).filter_by(name=name)
    if deferred:
        found = found.options(db.defer(Product.stock))
    row = found.one()
    if committed:
        db.session.commit()  # now the row must be read again
    return row

app = create_app({"APP_ENV": "testing"})
for case in ({}, {"committed": True}, {"deferred": True}):
    for visit in (1, 2):
        with app.app_context():
            row = cache.remember(f"mug {case}", lambda: [product("Enamel Mug", **case)], 60)[0]
            hit = inspect(row).detached
            print(case, "hit" if hit else "miss", row.stock)
"""


@pytest.mark.run
def test_a_row_is_cached_only_if_it_is_loaded(place: Path) -> None:
    answers = {"cache_backend": "filesystem", "session_store": "cookie", "database": "sqlite"}
    project = bake(place, answers)
    project.run("make install")
    project.run("uv run flask db upgrade")
    project.run("uv run flask shop seed")
    (project.path / "rows.py").write_text(ROWS)
    said = project.run("uv run python rows.py").splitlines()
    (stock,) = {line.rsplit(maxsplit=1)[1] for line in said if line.startswith("{")}
    assert [line for line in said if line.startswith("{")] == [
        f"{{}} miss {stock}",
        f"{{}} hit {stock}",
        *[f"{{'committed': True}} miss {stock}"] * 2,
        *[f"{{'deferred': True}} miss {stock}"] * 2,
    ]
    assert sum("a row of Product is not loaded" in line for line in said) == 4
