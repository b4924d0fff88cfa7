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

TOKEN = {"Authorization": "Bearer test-token"}
LADLE = {"name": "Ladle", "description": "Holds a bowl of soup.", "price": "9.50", "stock": 7}


def send(client: FlaskClient, method: str, path: str, **options: Any) -> TestResponse:
    return client.open(path, method=method, headers=TOKEN, **options)


def problem(answer: TestResponse) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    described: dict[str, Any] = answer.get_json(force=True)
    assert described["status"] == answer.status_code
    assert described["detail"]
    return described


@pytest.fixture
def mug(client: FlaskClient) -> dict[str, Any]:
    [product] = client.get("/api/products?q=enamel+mug").get_json()["items"]
    return dict(product)


def test_a_created_product_is_where_the_answer_says(client: FlaskClient) -> None:
    created = send(client, "POST", "/api/products", json=LADLE)

    assert created.status_code == 201
    assert created.get_json() == {"id": created.get_json()["id"], **LADLE}
    assert created.location == f"/api/products/{created.get_json()['id']}"
    assert client.get(created.location).get_json() == created.get_json()


def test_what_was_written_is_what_the_next_reader_sees(
    client: FlaskClient, mug: dict[str, Any]
) -> None:
    product = f"/products/{mug['id']}"
    shown = ("/", product, "/api/products", f"/api{product}", "/?q=mug")
    for path in shown:
        assert "Enamel Mug" in client.get(path).text

    send(client, "PUT", f"/api{product}", json={**mug, "name": "Tin Mug"})
    for path in shown:
        assert "Tin Mug" in client.get(path).text

    send(client, "DELETE", f"/api{product}")
    assert [client.get(path).status_code for path in (product, f"/api{product}")] == [404, 404]
    assert client.get("/api/products").get_json()["total"] == 41


def test_a_product_may_be_sent_back_as_it_was_read(
    client: FlaskClient, mug: dict[str, Any]
) -> None:
    answer = send(client, "PUT", f"/api/products/{mug['id']}", json=mug)

    assert (answer.status_code, answer.get_json()) == (200, mug)


def test_an_id_in_the_body_that_is_not_the_paths_is_refused(
    client: FlaskClient, mug: dict[str, Any]
) -> None:
    for method, path in (("PUT", f"/api/products/{mug['id']}"), ("POST", "/api/products")):
        answer = send(client, method, path, json={**LADLE, "id": mug["id"] + 1})

        assert answer.status_code == 422
        assert [error["field"] for error in problem(answer)["errors"]] == ["id"]
    assert client.get("/api/products").get_json()["total"] == 42
    assert client.get(f"/api/products/{mug['id']}").get_json() == mug


def test_what_is_gone_right_after_it_was_written_was_written(
    app: Flask, client: FlaskClient, mug: dict[str, Any]
) -> None:
    db = app.extensions["sqlalchemy"]
    for method, path in (("PUT", f"/api/products/{mug['id']}"), ("POST", "/api/products")):

        @sa.event.listens_for(db.session, "after_commit", once=True)
        def clear(_: object) -> None:
            with db.engine.begin() as connection:
                connection.execute(sa.delete(db.metadata.tables["products"]))

        written = send(client, method, path, json=LADLE).get_json()
        assert written == {"id": written["id"], **LADLE}
    assert client.get("/api/products").get_json()["total"] == 0


def before_writes(app: Flask, act: Callable[[], object]) -> None:
    """Do it whenever an UPDATE or a DELETE is about to be sent."""
    with app.app_context():

        @sa.event.listens_for(app.extensions["sqlalchemy"].engine, "before_execute")
        def intervene(_: object, statement: sa.Executable, *options: object) -> None:
            if statement.is_dml:
                act()


def test_of_two_writes_at_once_one_counts_and_no_half_of_the_other(
    app: Flask, client: FlaskClient, make_app: MakeApp, mug: dict[str, Any]
) -> None:
    product, other = f"/api/products/{mug['id']}", make_app().test_client()
    before_writes(app, lambda: send(other, "PUT", product, json={**mug, "stock": 3}))
    renamed = {**mug, "name": "Tin Mug"}

    assert send(client, "PUT", product, json=renamed).get_json() == renamed
    assert client.get(product).get_json() == renamed


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_product_that_somebody_deletes_at_the_same_time_is_missing(
    app: Flask, client: FlaskClient, make_app: MakeApp, mug: dict[str, Any], method: str
) -> None:
    product, other = f"/api/products/{mug['id']}", make_app().test_client()
    before_writes(app, lambda: send(other, "DELETE", product))

    assert send(client, method, product, json=LADLE).status_code == 404


def test_a_product_that_does_not_exist_cannot_be_changed(client: FlaskClient) -> None:
    for product_id in (999_999, 2**31):
        for method in ("PUT", "DELETE"):
            answer = send(client, method, f"/api/products/{product_id}", json=LADLE)

            assert answer.status_code == 404
            assert problem(answer)["detail"] == f"There is no product {product_id}."


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer wrong", "Bearer test-tokem", "Bearer t\xf6ken", "Basic dGVzdA=="],
)
def test_whoever_has_no_token_may_not_write(
    client: FlaskClient, mug: dict[str, Any], given: str
) -> None:
    product = f"/api/products/{mug['id']}"
    for method, path in (("POST", "/api/products"), ("PUT", product), ("DELETE", product)):
        answer = client.open(path, method=method, json=LADLE, headers={"Authorization": given})

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "API_TOKEN" in problem(answer)["detail"]
    assert client.get(product).get_json() == mug


def test_without_a_token_of_the_service_nobody_may_write(make_app: MakeApp) -> None:
    client = make_app(API_TOKEN=None).test_client()
    for given in ("Bearer", "Bearer None", "Bearer test-token"):
        answer = client.post("/api/products", json=LADLE, headers={"Authorization": given})

        assert answer.status_code == 403
        assert "API_TOKEN" in problem(answer)["detail"]


def test_a_body_that_is_not_json_is_refused(client: FlaskClient) -> None:
    for body in (b"", b"{", b"\xff", b"[" * 100_000, b'{"name": "\\ud800"}'):
        answer = send(client, "POST", "/api/products", data=body, content_type="application/json")

        assert answer.status_code == 400
        assert problem(answer)["detail"].startswith("The body is not JSON")


def test_a_form_is_refused(client: FlaskClient) -> None:
    answer = send(client, "POST", "/api/products", data=LADLE)

    assert answer.status_code == 415
    assert "application/json" in problem(answer)["detail"]


def test_every_field_that_is_wrong_is_named(client: FlaskClient) -> None:
    wrongs: list[dict[str, object]] = [
        {"name": "  "},
        {"name": "x" * 121},
        {"name": "nul\0"},
        {"description": "nul\0"},
        {"price": "-0.01"},
        {"price": "1.005"},
        {"price": "NaN"},
        {"price": "1000000"},
        {"price": True},
        {"stock": -1},
        {"stock": "7"},
        {"stock": True},
        {"colour": "red"},
        {"name": None, "price": "much", "stock": 1.5},
    ]
    for wrong in wrongs:
        answer = send(client, "POST", "/api/products", json={**LADLE, **wrong})

        assert answer.status_code == 422
        errors = problem(answer)["errors"]
        assert [error["field"] for error in errors] == list(wrong)
        assert all(error["detail"] for error in errors)
    assert client.get("/api/products").get_json()["total"] == 42


def test_names_keep_their_accents_and_marks(client: FlaskClient) -> None:
    name = "Crème <b>brûlée</b> & \"more\" 🍮 'x' \\ %s {% print 7 * 7 %}"
    created = send(client, "POST", "/api/products", json={**LADLE, "name": name})

    assert created.get_json()["name"] == name
    page = client.get(f"/products/{created.get_json()['id']}").text
    assert "<b>" not in page
    assert "{% print 7 * 7 %}" in page


def test_a_cart_forgets_what_vanished_and_holds_no_more_than_is_left(
    client: FlaskClient, mug: dict[str, Any]
) -> None:
    product = f"/api/products/{mug['id']}"
    client.post("/cart/add", data={"product_id": mug["id"], "quantity": 5})

    send(client, "PUT", product, json={**mug, "stock": 2})
    assert client.get("/cart/summary").get_json() == {"count": 2, "total": "25.80"}
    client.post("/cart/remove", data={"product_id": mug["id"], "quantity": 1})
    assert client.get("/cart/summary").get_json() == {"count": 1, "total": "12.90"}

    send(client, "DELETE", product)
    assert client.get("/cart/summary").get_json() == {"count": 0, "total": "0.00"}
    assert "Nothing in it yet" in client.get("/cart").text


def seed(app: Flask, *arguments: str, answer: str | None = None) -> str:
    result = app.test_cli_runner().invoke(args=["shop", "seed", *arguments], input=answer)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def empty(app: Flask) -> Flask:
    db = app.extensions["sqlalchemy"]
    with app.app_context():
        db.session.execute(sa.delete(db.metadata.tables["products"]))
        db.session.commit()
    return app


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{create_app.__module__}.shop.cli.in_a_terminal", lambda: True)


def total(app: Flask) -> int:
    return int(app.test_client().get("/api/products").get_json()["total"])


def test_seeding_twice_adds_nothing(app: Flask) -> None:
    assert seed(app) == "Added 0 sample products.\n"
    assert total(app) == 42


def test_seeding_brings_back_what_is_missing(app: Flask, mug: dict[str, Any]) -> None:
    send(app.test_client(), "DELETE", f"/api/products/{mug['id']}")

    assert seed(app) == "Added 1 sample product.\n"
    assert total(app) == 42


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("answer", "products"), [("y\n", 42), ("\n", 42), ("n\n", 0)])
def test_seeding_asks_when_the_catalogue_is_empty(empty: Flask, answer: str, products: int) -> None:
    asked = seed(empty, "--ask", answer=answer)

    assert "The catalogue is empty. Add 42 sample products?" in asked
    assert total(empty) == products


@pytest.mark.usefixtures("terminal")
def test_seeding_does_not_ask_when_there_are_products(app: Flask) -> None:
    assert seed(app, "--ask") == ""


def test_seeding_an_empty_catalogue_leaves_another_alone(app: Flask, mug: dict[str, Any]) -> None:
    send(app.test_client(), "DELETE", f"/api/products/{mug['id']}")

    assert seed(app, "--if-empty") == ""
    assert total(app) == 41


def test_seeding_does_not_ask_where_nobody_can_answer(empty: Flask) -> None:
    assert seed(empty, "--ask", answer="y\n") == ""
    assert total(empty) == 0
