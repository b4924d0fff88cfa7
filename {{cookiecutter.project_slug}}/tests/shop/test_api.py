"""The catalogue as JSON, for reading."""

from flask.testing import FlaskClient


def test_the_catalogue_comes_in_pages_of_twelve(client: FlaskClient) -> None:
    first, last = (client.get(f"/api/products?page={page}").get_json() for page in (1, 4))

    assert (first["page"], first["pages"], first["total"]) == (1, 4, 42)
    assert len(first["items"]) == 12
    assert len(last["items"]) == 6


def test_a_product_has_its_price_as_a_decimal_string(client: FlaskClient) -> None:
    [product] = client.get("/api/products?q=salt+pig").get_json()["items"]

    assert product == {
        "id": product["id"],
        "name": "Salt Pig",
        "description": "Keeps coarse salt dry and within reach of the stove.",
        "price": "24.00",
        "stock": 3,
    }
    assert client.get(f"/api/products/{product['id']}").get_json() == product


def test_a_search_that_finds_nothing_is_one_empty_page(client: FlaskClient) -> None:
    assert client.get("/api/products?q=zebra").get_json() == {
        "items": [],
        "page": 1,
        "pages": 1,
        "total": 0,
    }


def test_what_is_not_there_is_a_problem_detail(client: FlaskClient) -> None:
    for path in ("products/999999", "products?page=5", "products?page=x", "nothing"):
        answer = client.get(f"/api/{path}")

        assert answer.status_code == 404
        assert answer.content_type == "application/problem+json"
        problem = answer.get_json(force=True)
        assert problem.pop("detail")
        assert problem == {"type": "about:blank", "title": "Not Found", "status": 404}
