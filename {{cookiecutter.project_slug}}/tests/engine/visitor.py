"""Visitors of an app, with a browser each, and requests whose view is any function."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, current_app, jsonify, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

View = Callable[[], object]


class Visitor:
    def __init__(self, app: Flask, cookie: str | None = None) -> None:
        self.app = app
        self.name = app.config["SESSION_COOKIE_NAME"]
        self.client: FlaskClient = app.test_client()
        if cookie is not None:
            self.client.set_cookie(self.name, cookie)
        self.views: dict[int, View] = app.extensions.setdefault("views", {})
        if "run" not in app.view_functions:
            app.add_url_rule("/run/<int:view>", "run", lambda view: jsonify(self.views[view]()))

    @property
    def cookie(self) -> str | None:
        cookie = self.client.get_cookie(self.name)
        return cookie.value if cookie else None

    def twin(self) -> "Visitor":
        """Another tab, or a thief: a browser with the same cookie."""
        return Visitor(self.app, self.cookie)

    def request(self, view: View, **options: Any) -> TestResponse:
        """The answer to a request during which the view runs."""
        self.views[id(view)] = view
        return self.client.get(f"/run/{id(view)}", **options)

    def do(self, view: View) -> Any:
        """What the view returns in a request that succeeds."""
        response = self.request(view)
        assert response.status_code == 200, response.text
        return response.json

    @contextmanager
    def slowly(self, first: View, then: View) -> Iterator[None]:
        """A request in flight: it has done `first`, and does `then` at the end of the block."""
        begun, end = threading.Event(), threading.Event()

        def view() -> object:
            first()
            begun.set()
            assert end.wait(20)
            return then()

        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(self.request, view)
            assert begun.wait(20)
            yield
            end.set()
            assert answer.result(20).status_code == 200


def everything() -> dict[str, Any]:
    return dict(session)


def look() -> object:
    return session.get("user")


def logout() -> None:
    session.clear()


def regenerate() -> None:
    interface: Any = current_app.session_interface
    interface.regenerate(session)


def nothing() -> None:
    pass


def both(first: View, then: View) -> View:
    def view() -> object:
        first()
        return then()

    return view


def pass_time(monkeypatch: pytest.MonkeyPatch, **delay: float) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + timedelta(**delay).total_seconds())
