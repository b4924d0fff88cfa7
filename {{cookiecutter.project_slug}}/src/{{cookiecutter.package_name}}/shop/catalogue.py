"""The catalogue in the database. A commit that changes products invalidates their cached pages."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, cast

import sqlalchemy as sa
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ..database import db
from .models import Product
from .products import PER_PAGE, Item, Page

LARGEST_ID = 2**31 - 1  # for a larger number the database raises an error
PRICE = r"^[0-9]{1,6}(\.[0-9]{1,2})?$"


def whole(number: object) -> object:
    """7 for 7.0: in JSON they are one number."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def plain(price: object) -> object:
    """The price, unless its text is one that only Python reads as a number, such as 1_0."""
    if isinstance(price, str) and not re.fullmatch(PRICE, price.strip()):
        raise ValueError("Input should be a decimal such as 9.50, less than a million")
    return price


Whole = Annotated[int, Field(strict=True), BeforeValidator(whole)]
PriceText = Annotated[str, Field(pattern=PRICE)]
PriceNumber = Annotated[float, Field(ge=0, le=999_999.99, multiple_of=0.01)]
Price = Annotated[Decimal, BeforeValidator(plain, json_schema_input_type=PriceText | PriceNumber)]


class Draft(BaseModel):
    """The fields of a product that a client may write. White space around a text is dropped."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    # A client may send a product back as it was read.
    id: Whole | None = Field(None, json_schema_extra={"readOnly": True})
    # Without control characters: tools of clients may not know the pattern \P{Cc}.
    name: str = Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")
    description: str = Field("", max_length=2000, pattern=r"^([^\x00-\x1f\x7f-\x9f]|[\n\r\t])*$")
    price: Price = Field(ge=0, max_digits=8, decimal_places=2)
    stock: Whole = Field(0, ge=0, le=1_000_000)

    def columns(self) -> dict[str, Any]:
        """The values of the table's columns."""
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
    """The products with these ids that exist, oldest first."""
    rows = sa.select(Product).where(Product.id.in_(product_ids)).order_by(Product.id)
    return [product.item() for product in db.session.scalars(rows)]


def first(count: int) -> list[Item]:
    """The oldest products."""
    rows = sa.select(Product).order_by(Product.id).limit(count)
    return [product.item() for product in db.session.scalars(rows)]


def create(draft: Draft) -> Item:
    product = Product(**draft.columns())
    db.session.add(product)
    db.session.flush()
    item = product.item()  # after the commit another request may change or delete it
    db.session.commit()
    return item


def update(product_id: int, draft: Draft) -> Item | None:
    """Change the product. Returns it, or None if there is no product with this id."""
    product = Product(id=product_id, **draft.columns())
    found = _write(sa.update(Product).values(draft.columns()), product_id)
    return product.item() if found else None


def delete(product_id: int) -> bool:
    """Delete the product. Returns whether it existed."""
    return _write(sa.delete(Product), product_id)


def _write(statement: sa.Update | sa.Delete, product_id: int) -> bool:
    """Run the statement for one product and commit. Returns whether the product existed.

    The product is not read first: a change that another request makes between the read and the
    write would be partly overwritten.
    """
    if product_id > LARGEST_ID:
        return False
    written = db.session.execute(statement.where(Product.id == product_id))
    db.session.commit()
    return cast(sa.CursorResult[Any], written).rowcount == 1
