"""A plugin of pytest that puts the engine in the place of what another project's suite tests.

FIELD says what: `cache` (the class `flask_caching.Cache`), `stored` or `cookie` (Flask's sessions).
"""

import itertools
import os
import tempfile
import time
import types
from importlib import import_module
from pathlib import Path
from typing import Any

import flask
import flask_caching
from host.engine.caching import Cache, backend, cache, entries, flight  # type: ignore
from host.engine.caching.stores import memory  # type: ignore
from host.engine.sessions.cookie import CookieSessions  # type: ignore
from host.engine.sessions.interface import StoredSessions  # type: ignore
from host.engine.sessions.stores import open_store  # type: ignore

NUMBERS = itertools.count()
LIFETIME = 31 * 24 * 3600  # seconds, Flask's default


class OurCache(Cache):  # type: ignore[misc]
    """The engine's, in memory, where a suite gives one of the library's backends."""

    def init_app(self, app: Any, config: Any = None) -> None:
        given = {**app.config, **(self.config or {}), **(config or {})}
        kind = str(given.get("CACHE_TYPE", "null"))
        ours = {**(config or {}), "CACHE_KEY_PREFIX": f"field {next(NUMBERS)}:"}
        ours["CACHE_URL"] = "null://" if "null" in kind.lower() else "memory://"
        if "." not in kind:  # else it is a class of the suite's own
            ours.pop("CACHE_TYPE", None)
            app.config.pop("CACHE_TYPE", None)
            kept = {key: given for key, given in (self.config or {}).items() if key != "CACHE_TYPE"}
            self.config: Any = kept
        app.config["SECRET_KEY"] = app.config["SECRET_KEY"] or "of the tests"
        super().init_app(app, ours)


def use_the_clock_of_the_suite() -> None:
    """Flask-Caching's tests set cachelib's clock forward."""
    simple = import_module("cachelib.simple")
    clock = types.SimpleNamespace(**vars(time))
    clock.time = clock.monotonic = lambda: simple.time()
    for module in (entries, backend, flight, memory):
        module.time = clock


PLACE = os.environ["FIELD"]

match PLACE:
    case "cache":
        use_the_clock_of_the_suite()
        cache.flask_caching = types.SimpleNamespace(Cache=flask_caching.Cache)
        flask_caching.Cache = OurCache  # type: ignore[misc]
    case "stored":
        store = open_store(Path(tempfile.mkdtemp()).as_uri(), LIFETIME)
        flask.Flask.session_interface = StoredSessions(store, "field:")
    case "cookie":
        flask.Flask.session_interface = CookieSessions()
