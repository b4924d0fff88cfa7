"""The example's own tests, which go with it."""

from typing import Any

from flask.testing import FlaskClient

Product = dict[str, Any]


def found(client: FlaskClient, q: str) -> Product:
    """The first product that has all these words."""
    return dict(client.get("/api/products", query_string={"q": q}).get_json()["items"][0])
