"""Writes to the catalogue as JSON, for clients that send API_TOKEN."""

import hmac

from flask import Blueprint, Response, abort, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized, UnprocessableEntity

from . import catalogue
from .catalogue import Draft
from .listing import missing

bp = Blueprint("writes", __name__, url_prefix="/api")


@bp.before_request
def authorize() -> None:
    """Refuse requests without the token: with 401, or with 403 if the service has no token."""
    token = current_app.extensions["settings"].api_token
    if not token:
        abort(403, "Nobody may write: the service has no API_TOKEN.")
    given = request.authorization
    if (
        given is None
        or given.type != "bearer"
        or not hmac.compare_digest(str(given.token).encode(), token.get_secret_value().encode())
    ):
        raise Unauthorized(
            "Writing needs the service's API_TOKEN, in the header Authorization: Bearer.",
            www_authenticate=WWWAuthenticate("bearer"),
        )


@bp.post("/products")
def create() -> ResponseReturnValue:
    item = catalogue.create(draft())
    return jsonify(item), 201, {"Location": url_for("api.product", product_id=item["id"])}


@bp.put("/products/<int:product_id>")
def update(product_id: int) -> Response:
    return jsonify(catalogue.update(product_id, draft(product_id)) or missing(product_id))


@bp.delete("/products/<int:product_id>")
def delete(product_id: int) -> ResponseReturnValue:
    return ("", 204) if catalogue.delete(product_id) else missing(product_id)


def draft(product_id: int | None = None) -> Draft:
    """The product in the body. Aborts with 415 or 400 if it is not JSON, else with 422."""
    if not request.is_json:
        abort(415, "Send the product as application/json.")
    try:
        body = Draft.model_validate_json(request.get_data())
    except ValidationError as error:
        mistakes = error.errors()
    else:
        if body.id in (None, product_id):
            return body
        raise NotAProduct([{"field": "id", "detail": "Leave it out, or give the id in the path."}])
    if mistakes[0]["type"] == "json_invalid":
        abort(400, f"The body is not JSON: {mistakes[0]['ctx']['error']}.")
    raise NotAProduct(
        [
            {
                "field": ".".join(map(str, at["loc"])),
                "detail": at["msg"].removeprefix("Value error, "),
            }
            for at in mistakes
        ]
    )


class NotAProduct(UnprocessableEntity):
    description = "The body is not a product: `errors` names the fields and what they lack."

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__()
        self.errors = errors
