"""The example's own tests, which go with it."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

Product = dict[str, Any]


def found(client: FlaskClient, q: str) -> Product:
    """The first product that has all these words."""
    return dict(client.get("/api/products", query_string={"q": q}).get_json()["items"][0])


def refusal(answer: TestResponse, status: int) -> Product:
    """The problem that the answer describes."""
    problem = dict(answer.get_json(force=True))
    assert answer.content_type == "application/problem+json"
    assert answer.status_code == problem["status"] == status
    assert problem["detail"]
    return problem
