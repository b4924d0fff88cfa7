"""The pages, the same for everybody. They are cached, so they must not use the session."""

from decimal import Decimal

from flask import Blueprint, render_template

from ..caching import page
from .listing import asked_page, asked_product, asked_query, similar

bp = Blueprint("pages", __name__, "static", "/shop/static", template_folder="templates")


@bp.get("/")
@page(timeout=60, stale=300, tags=("products",), args=("page", "q"))
def catalogue() -> str:
    return render_template("shop/catalogue.html", found=asked_page(), q=asked_query())


@bp.get("/products/<int:product_id>")
@page(timeout=60, stale=300, tags=("products",))
def product(product_id: int) -> str:
    shown = asked_product(product_id)
    return render_template("shop/product.html", product=shown, similar=similar(shown))


@bp.app_template_filter()
def money(amount: str | Decimal) -> str:
    return f"€\N{NO-BREAK SPACE}{Decimal(amount):,.2f}"
