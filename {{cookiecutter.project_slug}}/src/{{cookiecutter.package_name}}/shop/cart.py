"""The cart, which is in the session. Its answers are personal, so no cache may keep them."""

import re
from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, Response, abort, redirect, render_template, request, session, url_for
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response as Redirect

from .listing import asked_product, pick
from .products import Item

bp = Blueprint("cart", __name__, url_prefix="/cart")

KEY = "cart:"  # plus the product's id: a store keeps parallel changes of different keys
MOST = 99  # pieces of one product


@dataclass(frozen=True)
class Line:
    product: Item
    quantity: int
    most: int  # pieces that the cart may hold

    @property
    def total(self) -> Decimal:
        return self.quantity * Decimal(self.product["price"])


class SoldOut(Conflict):
    name = "Sold out"  # what its page says, instead of Conflict


@bp.get("")
def show() -> str:
    lines = cart()
    return render_template("shop/cart.html", lines=lines, total=total(lines))


@bp.get("/summary")
def summary() -> dict[str, object]:
    lines = cart()
    return {"count": sum(line.quantity for line in lines), "total": f"{total(lines):.2f}"}


@bp.post("/add")
def add() -> Redirect:
    """Add the form's quantity to the cart, up to the stock."""
    product = asked_product(number("product_id"))
    if not product["stock"]:
        raise SoldOut(f"{product['name']} is sold out, so nothing was added to your cart.")
    key, most = f"{KEY}{product['id']}", min(product["stock"], MOST)
    # If two clicks come at once, the later one counts: sessions merge keys, they add no numbers.
    session[key] = min(session.get(key, 0) + number("quantity", "1"), most)
    return back_to(f"{'less' if session[key] == most else 'more'}-{product['id']}")


@bp.post("/remove")
def remove() -> Redirect:
    """Take the form's quantity out of the cart, or everything if the form has no quantity."""
    product_id = number("product_id")
    held = sum(line.quantity for line in cart() if line.product["id"] == product_id)
    left = held - number("quantity", str(MOST))
    if left > 0:
        session[f"{KEY}{product_id}"] = left
        return back_to(f"less-{product_id}")
    session.pop(f"{KEY}{product_id}", None)
    return back_to("cart")


def back_to(element: str) -> Redirect:
    """Lead to the cart, where the browser gives the focus to the element with this id."""
    return redirect(url_for("cart.show", _anchor=element), 303)


@bp.after_request
def keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


def cart() -> list[Line]:
    """The cart's products that still exist, each with at most its stock."""
    held = {int(key.removeprefix(KEY)): session[key] for key in session if key.startswith(KEY)}
    lines = []
    for product in pick(held) if held else ():  # an empty cart costs no query
        if most := min(product["stock"], MOST):
            lines.append(Line(product, min(held[product["id"]], most), most))
    return lines


def total(lines: list[Line]) -> Decimal:
    return sum((line.total for line in lines), Decimal(0))


def number(field: str, default: str = "") -> int:
    """A number from the form, 1 or more. Aborts with 400."""
    given = request.form.get(field, default)
    if not re.fullmatch("[1-9][0-9]{0,9}", given):
        abort(400, f"{field} must be a whole number, 1 or more.")
    return int(given)
