"""The cart: the session at work."""

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..conftest import MakeApp
from . import found


def change(client: FlaskClient, what: str, name: str, **fields: object) -> TestResponse:
    return client.post(f"/cart/{what}", data={"product_id": found(client, name)["id"], **fields})


def summary(client: FlaskClient) -> tuple[int, str]:
    answer = client.get("/cart/summary").get_json()
    return answer["count"], answer["total"]


def test_a_cart_shows_the_products_that_were_added(client: FlaskClient) -> None:
    change(client, "add", "salt pig")
    change(client, "add", "enamel mug", quantity=2)
    answer = change(client, "add", "enamel mug")

    assert answer.location == f"/cart#more-{found(client, 'enamel mug')['id']}"  # has the focus
    assert summary(client) == (4, "62.70")
    page = client.get("/cart").text
    for shown in ("Enamel Mug", "Salt Pig", "€\N{NO-BREAK SPACE}62.70"):
        assert shown in page


def test_a_cart_holds_no_more_than_there_is_and_no_more_than_99(client: FlaskClient) -> None:
    change(client, "add", "salt pig", quantity=2)
    change(client, "add", "salt pig", quantity=2)
    assert summary(client)[0] == 3

    change(client, "add", "jute twine", quantity=5000)
    assert summary(client)[0] == 3 + 99


def test_a_sold_out_product_cannot_be_added(client: FlaskClient) -> None:
    answer = change(client, "add", "bread knife")

    assert answer.status_code == 409
    assert "Bread Knife is sold out" in answer.text
    assert summary(client) == (0, "0.00")


def test_a_bad_quantity_is_refused(client: FlaskClient) -> None:
    for quantity in ("", "0", "-1", "1.5", "two", "٣", "9" * 30):
        for what in ("add", "remove"):
            answer = change(client, what, "enamel mug", quantity=quantity)

            assert answer.status_code == 400
            assert "quantity must be a whole number" in answer.text
    assert summary(client) == (0, "0.00")


def test_a_product_that_does_not_exist_cannot_be_added(client: FlaskClient) -> None:
    for product, status in ((999_999, 404), (2**31, 404), ("mug", 400), ("", 400)):
        assert client.post("/cart/add", data={"product_id": product}).status_code == status


def test_products_leave_the_cart_one_by_one_or_together(client: FlaskClient) -> None:
    change(client, "add", "enamel mug", quantity=3)
    change(client, "add", "salt pig", quantity=3)

    change(client, "remove", "enamel mug", quantity=2)
    answer = change(client, "remove", "salt pig")

    assert (answer.status_code, answer.location) == (303, "/cart#cart")
    assert summary(client) == (1, "12.90")
    change(client, "remove", "enamel mug", quantity=5)
    assert summary(client) == (0, "0.00")


def test_browsers_and_proxies_keep_no_cart(client: FlaskClient) -> None:
    answers = [
        change(client, "add", "enamel mug"),
        change(client, "add", "enamel mug", quantity="none"),
        client.get("/cart"),
        client.get("/cart/summary"),
    ]

    assert {answer.headers["Cache-Control"] for answer in answers} == {"private, no-store"}


def test_each_visitor_begins_with_an_empty_cart(client: FlaskClient) -> None:
    change(client, "add", "enamel mug")
    other = client.application.test_client()

    assert summary(other) == (0, "0.00")
    assert "Nothing in it yet" in other.get("/cart").text


def test_a_cart_survives_a_restart(client: FlaskClient, make_app: MakeApp) -> None:
    change(client, "add", "enamel mug")
    client.application = make_app()

    assert summary(client) == (1, "12.90")
