"""A service without a cache: the same API, and every call computes."""

import itertools

import pytest
from flask import Flask, Response, session

from ..hub import nocache

cache = nocache.Cache()


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="of the tests", CACHE_STATUS_NAME="engine")
    cache.init_app(app)
    return app


def test_every_call_computes(app: Flask) -> None:
    numbers = itertools.count(1)

    def count() -> str:
        return str(next(numbers))

    @cache.memoize(60, tags=("products",))
    def memoized() -> str:
        return count()

    app.add_url_rule("/cached", "cached", cache.cached(60, tags=("products",))(lambda: count()))
    with app.app_context():
        assert [memoized(), memoized()] == ["1", "2"]
        assert [cache.remember("key", count, 60, stale=60) for _ in range(2)] == ["3", "4"]
        cache.set("key", 1)
        cache.invalidate("products")
        assert cache.get("key") is None
        cache.delete_memoized(memoized)
        template = "{% cache 60, 'part' %}{% print count() %}{% endcache %}"
        fragment = app.jinja_env.from_string(template)
        assert [fragment.render(count=count) for _ in range(2)] == ["5", "6"]
    assert [app.test_client().get("/cached").text for _ in range(2)] == ["7", "8"]


def test_a_page_is_what_http_promises_of_it(app: Flask) -> None:
    numbers = itertools.count(1)
    rules = cache.page(timeout=60, stale=300, vary=("Accept-Language",))
    app.add_url_rule("/page", "page", rules(lambda: f"page {next(numbers) // 3}"))
    client = app.test_client()
    seen = client.get("/page")
    assert seen.headers["Cache-Status"] == "engine; fwd=bypass"
    assert (seen.cache_control.public, seen.cache_control.max_age) == (True, 60)
    assert set(seen.vary) == {"Accept-Language"}
    again = client.get("/page", headers={"If-None-Match": seen.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/page").text == "page 1"


def test_a_page_of_one_visitor_is_private(app: Flask) -> None:
    def answer() -> Response:
        greeting = f"hello {session.get('name')}"
        return Response(greeting, headers={"Cache-Control": "public, max-age=60"})

    app.add_url_rule("/page", "page", cache.page(timeout=60)(answer))
    seen = app.test_client().get("/page")
    assert seen.headers["Cache-Status"] == "engine; fwd=bypass; detail=session"
    assert (seen.cache_control.private, seen.cache_control.public) == (True, False)
