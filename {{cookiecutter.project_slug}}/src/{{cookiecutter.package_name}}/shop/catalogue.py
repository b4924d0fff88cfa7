"""The catalogue in the database. What the cache has of it is invalidated by the commits."""

from collections.abc import Iterable
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, or_, select

from ..database import db
from .models import Product
from .products import PER_PAGE, Item, Page

LARGEST_ID = 2**31 - 1  # beyond it a database finds no missing row but a wrong number


class Draft(BaseModel):
    """The fields of a product that its writer sets."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: int | None = Field(None, exclude=True)  # a product may be sent back as it was read
    name: str = Field(min_length=1, max_length=120, pattern=r"^\P{Cc}*$")
    description: str = Field("", max_length=2000, pattern=r"^[\P{Cc}\n\r\t]*$")
    price: Decimal = Field(ge=0, max_digits=8, decimal_places=2)
    stock: int = Field(0, ge=0, le=1_000_000, strict=True)


def search(q: str, page: int) -> Page:
    """The products whose name or description has every word of `q`, oldest first."""
    found = select(Product)
    for word in q.split():
        in_name = Product.name.icontains(word, autoescape=True)
        in_description = Product.description.icontains(word, autoescape=True)
        found = found.where(or_(in_name, in_description))
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    rows = found.order_by(Product.id).offset((page - 1) * PER_PAGE).limit(PER_PAGE)
    return Page([product.item() for product in db.session.scalars(rows)], page, total)


def get(product_id: int) -> Item | None:
    product = _find(product_id)
    return product.item() if product else None


def pick(product_ids: Iterable[int]) -> list[Item]:
    """Those of the products that exist, oldest first."""
    rows = select(Product).where(Product.id.in_(product_ids)).order_by(Product.id)
    return [product.item() for product in db.session.scalars(rows)]


def create(draft: Draft) -> Item:
    product = Product(**draft.model_dump())
    db.session.add(product)
    db.session.commit()
    return product.item()


def update(product_id: int, draft: Draft) -> Item | None:
    """The product as it is now, or None when there is none of that id."""
    product = _find(product_id, lock=True)
    if product is None:
        return None
    for name, value in draft.model_dump().items():
        setattr(product, name, value)
    db.session.commit()
    return product.item()


def delete(product_id: int) -> bool:
    """Whether there was such a product."""
    product = _find(product_id, lock=True)
    if product is None:
        return False
    db.session.delete(product)
    db.session.commit()
    return True


def _find(product_id: int, lock: bool = False) -> Product | None:
    if product_id > LARGEST_ID:
        return None
    return db.session.get(Product, product_id, with_for_update=lock)
