"""Bare Flask apps whose sessions are in the chosen store."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask, session

from ..hub import interface, load_settings, speakers, stores
from ..visitor import Visitor
from . import places

MakeApp = Callable[..., Flask]


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[places.Place]:
    given = load_settings().session_url.get_secret_value()
    place = places.open_place(given, tmp_path_factory.mktemp("sessions"))
    yield place
    place.close()


@pytest.fixture
def url(place: places.Place, request: pytest.FixtureRequest) -> str:
    """The store's."""
    return place.url(lambda: request.getfixturevalue("tmp_path"))


@pytest.fixture
def patient(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store waits as long as it takes: a busy machine is no outage."""
    module = speakers.speaker(stores.__name__, url)
    if client := getattr(module, "client", None):
        monkeypatch.setattr(client, "TIMEOUTS", {})
    else:
        monkeypatch.setattr(module, "PATIENCE", 10)


@pytest.fixture
def make_app(place: places.Place, url: str) -> MakeApp:
    """Apps that share one store, but those that are told where to open their own."""
    prefix = f"test:{uuid.uuid4().hex}:"

    def make(at: str | None = None, **config: object) -> Flask:
        app = Flask(__name__, static_folder=None)
        app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(days=14)
        app.config.update({"TESTING": True, "SESSION_COOKIE_SAMESITE": "Lax", **config})
        lifetime = int(app.permanent_session_lifetime.total_seconds())
        store = stores.open_store(at, lifetime) if at else place.open_store(url, lifetime)
        app.session_interface = interface.StoredSessions(store, prefix)
        return app

    return make


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def alice(app: Flask) -> Visitor:
    """Somebody with a session."""
    visitor = Visitor(app)
    visitor.do(lambda: session.update(user="alice", cart={"1": 1}))
    return visitor
