"""Routes of the tests' own, under /tests, so that they hold whatever the service has."""

from typing import NoReturn

from flask import Blueprint, request, session

from . import caching

bp = Blueprint("tests", __name__, url_prefix="/tests")


@bp.get("/cached")
@caching.page(timeout=60, stale=300)
def cached() -> str:
    return "the same for everybody"


@bp.get("/broken")
def broken() -> NoReturn:
    raise ValueError("of a test")


@bp.get("/note")
def note() -> str:
    return str(session.get("note"))


@bp.post("/note")
def take_note() -> str:
    """Keep the note; an empty one ends the session."""
    if request.form["note"]:
        session["note"] = request.form["note"]
    else:
        session.clear()
    return "noted"
