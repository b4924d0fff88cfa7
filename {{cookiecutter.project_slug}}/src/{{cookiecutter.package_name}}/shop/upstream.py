"""The catalogue of a service without a database: another service, upstream, owns the products.

Here products.json replaces it: write a client of the real service, and keep the views.
"""

from collections.abc import Iterable

from .products import PER_PAGE, Item, Page, samples


def search(q: str, page: int) -> Page:
    """The products whose name or description holds every word of `q`, oldest first."""
    words = q.lower().split()
    found = [
        item
        for item in samples()
        if all(word in f"{item['name']}\n{item['description']}".lower() for word in words)
    ]
    return Page(found[(page - 1) * PER_PAGE : page * PER_PAGE], page, len(found))


def get(product_id: int) -> Item | None:
    return next(iter(pick([product_id])), None)


def pick(product_ids: Iterable[int]) -> list[Item]:
    """The products with these ids that exist, oldest first."""
    wanted = set(product_ids)
    return [item for item in samples() if item["id"] in wanted]


def first(count: int) -> list[Item]:
    """The oldest products."""
    return samples()[:count]
