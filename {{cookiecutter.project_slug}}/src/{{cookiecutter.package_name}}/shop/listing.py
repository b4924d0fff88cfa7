"""Finds the page or the product of the catalogue that a request asks for."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import NoReturn

from flask import abort, request

from ..caching import remember
# {% if cookiecutter.database == "none" %}
from . import upstream as catalogue
# {% else %}
from . import catalogue
# {% endif %}
from .products import Item, Page

QUERY_CHARACTERS = 100
COMPARED, SIMILAR = 200, 4  # products
LETTERS = 100  # of a description: the time grows with their square, or even cube


def asked_query() -> str:
    """The text of `?q=`, cut so that a search stays cheap."""
    return request.args.get("q", "").replace("\0", "").strip()[:QUERY_CHARACTERS]


def asked_page() -> Page:
    """The page that `?q=` and `?page=` ask for. Aborts with 404 if there is no such page."""
    number = request.args.get("page", "1")
    if not re.fullmatch("[1-9][0-9]{0,5}", number):
        abort(404, "There is no such page: pages are numbered from 1.")
    found = catalogue.search(asked_query(), int(number))
    if found.page > found.pages:
        abort(404, f"There is no page {found.page}: the last page is {found.pages}.")
    return found


def asked_product(product_id: int) -> Item:
    """The product with this id. Aborts with 404 if there is none."""
    return catalogue.get(product_id) or missing(product_id)


def similar(product: Item) -> list[Item]:
    """The products that are described most similarly.

    Each description is compared letter by letter, which takes its time: worth caching.
    """
    others = [other for other in catalogue.first(COMPARED) if other["id"] != product["id"]]
    text = SequenceMatcher(b=product["description"][:LETTERS], autojunk=False)

    def likeness(other: Item) -> float:
        text.set_seq1(other["description"][:LETTERS])
        return text.ratio()

    return sorted(others, key=likeness, reverse=True)[:SIMILAR]


def pick(product_ids: Iterable[int]) -> list[Item]:
    """The products with these ids that exist. A cart is shown often, so they are cached."""
    ids = sorted(product_ids)
    return remember(f"products {ids}", lambda: catalogue.pick(ids), 60, tags=("products",))


def missing(product_id: int) -> NoReturn:
    abort(404, f"There is no product {product_id}.")
