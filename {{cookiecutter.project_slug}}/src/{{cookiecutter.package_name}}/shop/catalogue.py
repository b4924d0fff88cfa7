"""The catalogue in the database. What the cache has of it is invalidated by the commits."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from ..database import db
from .models import Product
from .products import PER_PAGE, Item, Page

LARGEST_ID = 2**31 - 1  # beyond it a database finds no missing row but a wrong number


class Draft(BaseModel):
    """The fields of a product that its writer sets."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: int | None = None  # a product may be sent back as it was read
    name: str = Field(min_length=1, max_length=120, pattern=r"^\P{Cc}*$")
    description: str = Field("", max_length=2000, pattern=r"^[\P{Cc}\n\r\t]*$")
    price: Decimal = Field(ge=0, max_digits=8, decimal_places=2)
    stock: int = Field(0, ge=0, le=1_000_000, strict=True)

    def columns(self) -> dict[str, Any]:
        """What the table keeps of it."""
        return {**self.model_dump(exclude={"id", "price"}), "cents": int(self.price.scaleb(2))}


def search(q: str, page: int) -> Page:
    """The products whose name or description has every word of `q`, oldest first."""
    found = sa.select(Product)
    for word in q.split():
        in_name = Product.name.icontains(word, autoescape=True)
        in_description = Product.description.icontains(word, autoescape=True)
        found = found.where(sa.or_(in_name, in_description))
    total = db.session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
    rows = found.order_by(Product.id).offset((page - 1) * PER_PAGE).limit(PER_PAGE)
    return Page([product.item() for product in db.session.scalars(rows)], page, total)


def get(product_id: int) -> Item | None:
    product = db.session.get(Product, product_id) if product_id <= LARGEST_ID else None
    return product.item() if product else None


def pick(product_ids: Iterable[int]) -> list[Item]:
    """Those of the products that exist, oldest first."""
    rows = sa.select(Product).where(Product.id.in_(product_ids)).order_by(Product.id)
    return [product.item() for product in db.session.scalars(rows)]


def create(draft: Draft) -> Item:
    product = Product(**draft.columns())
    db.session.add(product)
    db.session.flush()
    item = product.item()  # after the commit it may be another's, or gone
    db.session.commit()
    return item


def update(product_id: int, draft: Draft) -> Item | None:
    """The product as it is now, or None when there is none of that id."""
    product = Product(id=product_id, **draft.columns())
    found = _write(sa.update(Product).values(draft.columns()), product_id)
    return product.item() if found else None


def delete(product_id: int) -> bool:
    """Whether there was such a product."""
    return _write(sa.delete(Product), product_id)


def _write(statement: sa.Update | sa.Delete, product_id: int) -> bool:
    """Whether there was such a product.

    It is not read first: what others write between reading and writing would be half overwritten.
    """
    if product_id > LARGEST_ID:
        return False
    written = db.session.execute(statement.where(Product.id == product_id))
    db.session.commit()
    return cast(sa.CursorResult[Any], written).rowcount == 1
