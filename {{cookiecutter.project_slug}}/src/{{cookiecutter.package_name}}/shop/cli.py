"""The commands of the example."""

import sys

import click
from flask.cli import AppGroup
from sqlalchemy import inspect, select

from ..database import db
from .catalogue import Draft
from .models import Product
from .products import samples

shop = AppGroup("shop", help="The example's catalogue.")


@shop.command()
@click.option("--ask", is_flag=True, help="In a terminal, ask first if the catalogue is empty.")
@click.option("--if-empty", is_flag=True, help="Do nothing if there are products.")
def seed(ask: bool, if_empty: bool) -> None:
    """Add the sample products that are missing."""
    if not inspect(db.engine).has_table(Product.__tablename__):
        raise click.ClickException("There is no table for products yet: run `flask db upgrade`.")
    present = set(db.session.scalars(select(Product.name)))
    missing = [sample for sample in samples() if sample["name"] not in present]
    if present and (ask or if_empty):
        return
    if ask and not (in_a_terminal() and agreed(len(missing))):
        return
    db.session.add_all(Product(**Draft.model_validate(sample).columns()) for sample in missing)
    db.session.commit()
    click.echo(f"Added {len(missing)} sample product{'s' * (len(missing) != 1)}.")


def in_a_terminal() -> bool:
    return sys.stdin.isatty()


def agreed(count: int) -> bool:
    return click.confirm(f"The catalogue is empty. Add {count} sample products?", default=True)
