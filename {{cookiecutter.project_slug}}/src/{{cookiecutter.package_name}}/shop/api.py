"""The catalogue as JSON. With `max_age=0` clients ask every time, so they see their own writes."""

from flask import Blueprint, Response, jsonify

from ..caching import page
from .listing import asked_page, asked_product

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/products")
@page(timeout=60, stale=300, tags=("products",), args=("page", "q"), max_age=0)
def products() -> Response:
    found = asked_page()
    return jsonify(items=found.items, page=found.page, pages=found.pages, total=found.total)


@bp.get("/products/<int:product_id>")
@page(timeout=60, stale=300, tags=("products",), max_age=0)
def product(product_id: int) -> Response:
    return jsonify(asked_product(product_id))
