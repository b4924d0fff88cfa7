"""What a product and a page of products look like, wherever they come from."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

PER_PAGE = 12


class Item(TypedDict):
    """A product, as pages, API and cart see it."""

    id: int
    name: str
    description: str
    price: str  # decimal, two places
    stock: int


@dataclass(frozen=True)
class Page:
    """One page of a search, counted from 1; page 1 exists even when nothing was found."""

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
