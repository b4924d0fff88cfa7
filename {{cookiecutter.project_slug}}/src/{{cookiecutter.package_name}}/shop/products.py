"""The form of a product and of a page of products, whatever their source."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypedDict

from pydantic import Field

PER_PAGE = 12


class Item(TypedDict):
    """A product, as the pages, the API and the cart get it."""

    id: int
    name: str
    description: str
    price: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{2}$")]
    stock: int


@dataclass(frozen=True)
class Page:
    """One page of a search. Pages are numbered from 1; page 1 exists even without products."""

    items: list[Item]
    page: int
    total: int  # products on all pages together

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PER_PAGE))


def samples() -> list[Item]:
    """The sample products."""
    items: list[Item] = json.loads(Path(__file__).with_name("products.json").read_text("utf-8"))
    return items
