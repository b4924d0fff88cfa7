"""A service as tutorials write one: Flask-Caching and Flask-Session on Redis, with their defaults.

`bare()` is Flask alone. Both answer with the bytes of the file that BODY names.
"""

import os
import time
import uuid
from pathlib import Path

from flask import Flask, Response, jsonify, session

BODY = Path(os.environ["BODY"]).read_text()


def bare() -> Flask:
    app = Flask(__name__)
    app.add_url_rule("/", "page", lambda: BODY)
    return app


def tutorial() -> Flask:
    from flask_caching import Cache
    from flask_session import Session  # type: ignore
    from redis import Redis

    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="of the benchmark",
        CACHE_TYPE="RedisCache",
        CACHE_REDIS_URL=os.environ["CACHE_URL"],
        CACHE_DEFAULT_TIMEOUT=60,
        SESSION_TYPE="redis",
        SESSION_REDIS=Redis.from_url(os.environ["SESSION_URL"]),
    )
    cache = Cache(app)
    Session(app)

    @app.get("/")
    @cache.cached(query_string=True)
    def page() -> str:
        return BODY

    @app.get("/slow")
    @cache.cached(timeout=1, query_string=True)
    def slow() -> str:
        time.sleep(0.1)
        return str(uuid.uuid4())

    @app.get("/api/products")
    @cache.cached()
    def products() -> dict[str, object]:
        return {"items": [BODY[:2000]], "page": 1}

    @app.get("/cart/summary")
    def summary() -> Response:
        return jsonify(count=session.get("count", 0))

    @app.post("/cart/add")
    def add() -> str:
        session["count"] = session.get("count", 0) + 1
        return "added"

    return app
