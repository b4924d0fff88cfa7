"""A store that is nearly full begins no new session, so that those that exist can change."""

from typing import Any

import pytest
from flask import Flask, session

from ..hub import stores
from ..visitor import Visitor, look, nothing, regenerate
from .store import store_of

pytestmark = pytest.mark.usefixtures("patient")


def begin() -> None:
    session["user"] = "bob"


def test_a_nearly_full_store_is_for_the_sessions_that_exist(
    app: Flask, alice: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    interface: Any = app.session_interface
    monkeypatch.setattr(interface, "_asked", float("-inf"))
    monkeypatch.setattr(store_of(app), "used", lambda: 0.95)
    for _ in range(2):
        refusal = Visitor(app).request(begin)
        assert (refusal.status_code, refusal.headers["Retry-After"]) == (503, "60")
        assert Visitor(app).request(nothing).status_code == 200
    for change in (lambda: session.update(more="x"), regenerate):
        assert alice.request(change).status_code == 200
    assert alice.do(look) == "alice"
    assert len([line for line in caplog.messages if "nearly full" in line]) == 1
    monkeypatch.setattr(store_of(app), "used", lambda: 0.5)
    monkeypatch.setattr(interface, "_asked", float("-inf"))
    assert Visitor(app).request(begin).status_code == 200


def test_a_store_tells_how_full_it_is(app: Flask, alice: Visitor) -> None:
    """Or 0, if it cannot; it is nearly empty during the tests."""
    assert 0 <= store_of(app).used() < stores.ROOM
