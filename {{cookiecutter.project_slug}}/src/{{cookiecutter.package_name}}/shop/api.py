"""The catalogue as JSON. With `max_age=0` clients ask every time, so they see their own writes.

`openapi.toml` describes it for clients and their tools. Schemas of products come from the code.
"""

import tomllib
from pathlib import Path

from flask import Blueprint, Response, current_app, jsonify, request
from pydantic import create_model

from ..caching import page
# {% if cookiecutter.database != "none" %}
from .catalogue import Draft
# {% endif %}
from .listing import asked_page, asked_product
from .products import Item

bp = Blueprint("api", __name__, url_prefix="/api")

DESCRIPTION = tomllib.loads(Path(__file__).with_name("openapi.toml").read_text("utf-8"))
DESCRIPTION["components"]["schemas"] |= {
    # Before Python 3.12, pydantic refuses a TypedDict of the standard library as it is.
    "Product": create_model("Product", **Item.__annotations__).model_json_schema(),
    # {% if cookiecutter.database != "none" %}
    "Draft": Draft.model_json_schema(),
    # {% endif %}
}


@bp.get("/openapi.json")
@page(timeout=3600)
def describe() -> Response:
    config = current_app.config
    info = {"title": config["APP_NAME"], "description": config["APP_DESCRIPTION"]}
    servers = [{"url": request.root_path or "/"}]
    return jsonify(DESCRIPTION | {"info": DESCRIPTION["info"] | info, "servers": servers})


@bp.get("/products")
@page(timeout=60, stale=300, tags=("products",), args=("page", "q"), max_age=0)
def products() -> Response:
    found = asked_page()
    return jsonify(items=found.items, page=found.page, pages=found.pages, total=found.total)


@bp.get("/products/<int:product_id>")
@page(timeout=60, stale=300, tags=("products",), max_age=0)
def product(product_id: int) -> Response:
    return jsonify(asked_product(product_id))
