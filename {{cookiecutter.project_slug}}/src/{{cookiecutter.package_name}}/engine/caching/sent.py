"""Decides about a page when its answer is sent, after all `after_request` functions."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request, request_finished

DECISIONS = "engine.caching.decisions"  # in the environ of a request

Decision = Callable[[Response | None], None]


def watch_answers(app: Flask) -> None:
    if DECISIONS not in app.extensions:
        app.extensions[DECISIONS] = request_finished.connect(_finish, app)
        app.teardown_request(_give_up)


def when_sent(decide: Decision) -> None:
    """Call `decide` with the answer of this request as it is sent, or with None if none is."""
    request.environ.setdefault(DECISIONS, []).append(decide)


def _finish(_: Flask, response: Response, **__: Any) -> None:
    for decide in request.environ.pop(DECISIONS, ()):
        decide(response)


def _give_up(_: BaseException | None) -> None:
    for decide in request.environ.pop(DECISIONS, ()):
        decide(None)
