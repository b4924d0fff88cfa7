"""Writing to the catalogue: through the API, and by `flask shop seed`."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from .. import create_app
from ..conftest import MakeApp
from . import Product, found, refusal

PRODUCTS = "/api/products"
TOKEN = {"Authorization": "Bearer test-token"}
LADLE = {"name": "Ladle", "description": "Holds a bowl of soup.", "price": "9.50", "stock": 7}
WRONG_TOKENS = ["Bearer", "Token test-token", "Bearer test-tokem", "Bearer \xf6", "Basic dGVzdA=="]
WRONG_FIELDS: list[Product] = [
    *({"name": name} for name in ("  ", "x" * 121, "nul\0")),
    {"description": "nul\0"},
    *({"price": price} for price in ("-0.01", "1.005", "NaN", "1000000", "1e2", "1_0", "٣", True)),
    *({"stock": stock} for stock in (-1, "7", True)),
    {"colour": "red"},
    {"name": None, "price": "much", "stock": 1.5},
]


def send(client: FlaskClient, method: str, path: str, **options: Any) -> TestResponse:
    return client.open(path, method=method, headers=TOKEN, **options)


def at(product: Product) -> str:
    return f"{PRODUCTS}/{product['id']}"


def total(client: FlaskClient) -> int:
    return int(client.get(PRODUCTS).get_json()["total"])


@pytest.fixture
def mug(client: FlaskClient) -> Product:
    return found(client, "enamel mug")


def remove_all(app: Flask) -> None:
    """Empty the catalogue behind the back of the service."""
    db = app.extensions["sqlalchemy"]
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.delete(db.metadata.tables["products"]))


def test_a_created_product_is_where_the_answer_says(client: FlaskClient) -> None:
    answer = send(client, "POST", PRODUCTS, json={**LADLE, "stock": 7.0})  # in JSON, that is 7
    created = answer.get_json()

    assert (answer.status_code, answer.location) == (201, at(created))
    assert created == {"id": created["id"], **LADLE}
    assert client.get(at(created)).get_json() == created


def test_the_next_reader_sees_each_write(client: FlaskClient, mug: Product) -> None:
    page = f"/products/{mug['id']}"
    for name in ("Enamel Mug", "Tin Mug"):  # first the product as it was read
        written = {**mug, "name": name}
        answer = send(client, "PUT", at(mug), json=written)
        assert (answer.status_code, answer.get_json()) == (200, written)
        for path in ("/", page, PRODUCTS, at(mug), "/?q=mug"):
            assert name in client.get(path).text

    send(client, "DELETE", at(mug))
    assert [client.get(path).status_code for path in (page, at(mug))] == [404, 404]
    assert total(client) == 41


def test_a_body_with_another_id_is_refused(client: FlaskClient, mug: Product) -> None:
    for method, path in (("PUT", at(mug)), ("POST", PRODUCTS)):
        for other in (mug["id"] + 1, str(mug["id"])):
            answer = send(client, method, path, json={**LADLE, "id": other})
            assert [error["field"] for error in refusal(answer, 422)["errors"]] == ["id"]
    assert total(client) == 42
    assert client.get(at(mug)).get_json() == mug


def test_the_answer_shows_the_write_whatever_follows_it(client: FlaskClient, mug: Product) -> None:
    app = client.application
    session = app.extensions["sqlalchemy"].session
    for method, path in (("PUT", at(mug)), ("POST", PRODUCTS)):
        sa.event.listen(session, "after_commit", lambda _: remove_all(app), once=True)
        written = send(client, method, path, json=LADLE).get_json()
        assert written == {"id": written["id"], **LADLE}
    assert total(client) == 0


def interrupted(app: Flask, act: Callable[[], object]) -> FlaskClient:
    """A client of a service that calls `act` before it sends an INSERT, UPDATE or DELETE."""
    with app.app_context():

        @sa.event.listens_for(app.extensions["sqlalchemy"].engine, "before_execute")
        def intervene(_: object, statement: sa.Executable, *options: object) -> None:
            if statement.is_dml:
                act()

    return app.test_client()


def test_parallel_writes_do_not_mix(client: FlaskClient, make_app: MakeApp, mug: Product) -> None:
    other, renamed = {**mug, "stock": 3}, {**mug, "name": "Tin Mug"}
    slow = interrupted(make_app(), lambda: send(client, "PUT", at(mug), json=other))

    assert send(slow, "PUT", at(mug), json=renamed).get_json() == renamed
    assert slow.get(at(mug)).get_json() == renamed


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_vanished_product_is_missing(client: FlaskClient, make_app: MakeApp, method: str) -> None:
    path = at(found(client, "mug"))
    slow = interrupted(make_app(), lambda: send(client, "DELETE", path))

    refusal(send(slow, method, path, json=LADLE), 404)


def test_a_product_that_does_not_exist_cannot_be_changed(client: FlaskClient) -> None:
    for product_id in (999_999, 2**31):
        for method in ("PUT", "DELETE"):
            answer = send(client, method, f"{PRODUCTS}/{product_id}", json=LADLE)

            assert refusal(answer, 404)["detail"] == f"There is no product {product_id}."


@pytest.mark.parametrize("given", ["", *WRONG_TOKENS])
def test_nobody_writes_without_the_token(client: FlaskClient, mug: Product, given: str) -> None:
    for method, path in (("POST", PRODUCTS), ("PUT", at(mug)), ("DELETE", at(mug))):
        answer = client.open(path, method=method, json=LADLE, headers={"Authorization": given})

        assert "API_TOKEN" in refusal(answer, 401)["detail"]
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert client.get(at(mug)).get_json() == mug


def test_nobody_writes_if_the_service_has_no_token(make_app: MakeApp) -> None:
    client = make_app(API_TOKEN=None).test_client()
    for given in ("Bearer", "Bearer None", "Bearer test-token"):
        answer = client.post(PRODUCTS, json=LADLE, headers={"Authorization": given})

        assert "API_TOKEN" in refusal(answer, 403)["detail"]


def test_a_body_that_is_not_json_is_refused(client: FlaskClient) -> None:
    for body in (b"", b"{", b"\xff", b"[" * 100_000, b'{"name": "\\ud800"}'):
        answer = send(client, "POST", PRODUCTS, data=body, content_type="application/json")

        assert refusal(answer, 400)["detail"].startswith("The body is not JSON")
    form = send(client, "POST", PRODUCTS, data=LADLE)
    assert "application/json" in refusal(form, 415)["detail"]


def test_every_wrong_field_is_named(client: FlaskClient) -> None:
    for wrong in WRONG_FIELDS:
        errors = refusal(send(client, "POST", PRODUCTS, json={**LADLE, **wrong}), 422)["errors"]

        assert [error["field"] for error in errors] == list(wrong)
        assert all(error["detail"] for error in errors)
    assert total(client) == 42


def test_names_keep_their_accents_and_marks(client: FlaskClient) -> None:
    name = "Crème <b>brûlée</b> & \"more\" 🍮 'x' \\ %s {% print 7 * 7 %}"
    created = send(client, "POST", PRODUCTS, json={**LADLE, "name": name}).get_json()

    assert created["name"] == name
    page = client.get(f"/products/{created['id']}").text
    assert "<b>" not in page
    assert "{% print 7 * 7 %}" in page


def test_a_cart_follows_the_stock(client: FlaskClient, mug: Product) -> None:
    client.post("/cart/add", data={"product_id": mug["id"], "quantity": 5})
    send(client, "PUT", at(mug), json={**mug, "stock": 2})
    assert client.get("/cart/summary").get_json() == {"count": 2, "total": "25.80"}
    client.post("/cart/remove", data={"product_id": mug["id"], "quantity": 1})
    assert client.get("/cart/summary").get_json() == {"count": 1, "total": "12.90"}

    send(client, "DELETE", at(mug))
    assert client.get("/cart/summary").get_json() == {"count": 0, "total": "0.00"}
    assert "Nothing in it yet" in client.get("/cart").text


def seed(client: FlaskClient, *arguments: str, answer: str | None = None) -> str:
    runner = client.application.test_cli_runner()
    result = runner.invoke(args=["shop", "seed", *arguments], input=answer)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{create_app.__module__}.shop.cli.in_a_terminal", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_seeding_adds_only_the_missing_products(client: FlaskClient, mug: Product) -> None:
    assert (seed(client), total(client)) == ("Added 0 sample products.\n", 42)
    send(client, "DELETE", at(mug))
    for option in ("--if-empty", "--ask"):
        assert (seed(client, option), total(client)) == ("", 41)
    assert (seed(client), total(client)) == ("Added 1 sample product.\n", 42)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("answer", "products"), [("y\n", 42), ("\n", 42), ("n\n", 0)])
def test_seeding_an_empty_shop_asks_first(client: FlaskClient, answer: str, products: int) -> None:
    remove_all(client.application)
    asked = seed(client, "--ask", answer=answer)

    assert "The catalogue is empty. Add 42 sample products?" in asked
    assert total(client) == products


def test_seeding_does_not_ask_outside_a_terminal(client: FlaskClient) -> None:
    remove_all(client.application)
    assert (seed(client, "--ask", answer="y\n"), total(client)) == ("", 0)
