"""Bare Flask apps with a cache on the chosen store, apart from everything else that lies there."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from ..hub import caching, load_settings, speakers
from .support import cache

MakeApp = Callable[..., Flask]


@pytest.fixture(scope="session")
def url() -> str:
    """Where the chosen store is."""
    return str(load_settings().cache_url.get_secret_value())


@pytest.fixture
def patient(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine is no outage: the client of a server waits as long as its library does."""
    store = speakers.speaker(caching.stores.__name__, url)
    if client := getattr(store, "client", None):
        monkeypatch.setattr(client, "TIMEOUTS", {})


@pytest.fixture
def make_app(url: str, request: pytest.FixtureRequest) -> MakeApp:
    """Apps that share one cache, as the workers of one service do."""
    if url.startswith("file:"):
        folder: Path = request.getfixturevalue("tmp_path")
        url = (folder / "cache").as_uri()
    shared: dict[str, object] = {
        "SECRET_KEY": "of the tests",
        "CACHE_URL": url,
        "CACHE_DEFAULT_TIMEOUT": 300,
        "CACHE_KEY_PREFIX": f"test:{uuid.uuid4().hex}:",
        "CACHE_STATUS_NAME": "engine",
    }

    def make(**config: object) -> Flask:
        app = Flask(__name__, static_folder=None)
        app.config.update(shared | config)
        cache.init_app(app)
        return app

    return make


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()
