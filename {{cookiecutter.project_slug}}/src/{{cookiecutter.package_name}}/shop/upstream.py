"""The catalogue of a service that owns no data: an upstream service has it.

products.json stands for that service's answer: put its client here. The views in front stay as
they are, and their cached pages spare it most requests.
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
    """Those of the products that exist, oldest first."""
    wanted = set(product_ids)
    return [item for item in samples() if item["id"] in wanted]
