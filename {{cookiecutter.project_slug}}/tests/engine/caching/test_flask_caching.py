"""Flask-Caching's methods and `cached` do what Flask-Caching documents."""

import itertools
from contextlib import ExitStack
from typing import Any

import flask_caching
import pytest
from flask import Flask, Response, abort, request
from flask_caching import CachedResponse
from flask_caching.signals import (
    cache_memoize_hit,
    cache_memoize_miss,
    cache_view_hit,
    cache_view_miss,
)

from .conftest import MakeApp
from .support import Count, cache, pass_time

pytestmark = pytest.mark.usefixtures("patient")

NUMBERS = itertools.count(1)  # each of them once


def test_the_methods_of_flask_caching_do_what_it_documents(app: Flask) -> None:
    with app.app_context():
        assert cache.set("a", {"nested": (1, None)}, timeout=30)
        assert cache.get("a") == {"nested": (1, None)}
        assert cache.add("b", 2)
        assert not cache.add("b", 3)
        assert cache.get_many("a", "b", "c") == [{"nested": (1, None)}, 2, None]
        assert cache.get_dict("b", "c") == {"b": 2, "c": None}
        assert cache.set_many({"c": 3, "a b" * 200: 4}) == ["c", "a b" * 200]
        assert cache.get("a b" * 200) == 4
        cache.delete_many("a", "b")
        assert not cache.has("a")
        assert cache.has("c")


def test_cached_views_and_lists_are_those_that_flask_caching_documents(app: Flask) -> None:
    @cache.cached(key_prefix="MyCachedList")
    def get_list() -> list[int]:
        return [next(NUMBERS) for _ in range(10)]

    @app.get("/works/<kind>")
    @cache.cached(timeout=50, query_string=True)
    def works(kind: str) -> str:
        return f"{kind} {next(NUMBERS)}"

    @app.get("/own-key")
    @cache.cached(make_cache_key=lambda: request.headers["X-User"])
    def own_key() -> str:
        return str(next(NUMBERS))

    client = app.test_client()

    def get(path: str, user: str = "alice") -> str:
        return client.get(path, headers={"X-User": user}).text

    with app.app_context():
        assert get_list() == get_list()
        cache.delete("MyCachedList")
        first = get("/works/a?limit=15&mock=true")
        assert get("/works/a?mock=true&limit=15") == first != get("/works/b?limit=15&mock=true")
        assert cache.delete_cached(works, "/works/a", {"limit": 15, "mock": "true"})
        assert get("/works/a?mock=true&limit=15") != first
        assert get("/own-key") == get("/own-key") != get("/own-key", "bob")


def test_a_view_that_aborts_does_so_from_the_cache_too(app: Flask) -> None:
    count = Count(lambda: abort(404))
    app.add_url_rule("/gone", "gone", cache.cached(60, stale=60)(lambda: count()))
    for _ in range(3):
        seen = app.test_client().get("/gone", headers={"Accept": "application/json"})
        assert seen.status_code == 404
        assert "problem" in seen.content_type or "html" in seen.content_type
    assert count.calls == 1


def test_a_failure_is_not_stored(app: Flask) -> None:
    count = Count(lambda: abort(503))
    app.add_url_rule("/down", "down", cache.cached(60)(lambda: count()))
    for visits in (1, 2):
        assert app.test_client().get("/down").status_code == 503
        assert count.calls == visits


def test_a_key_may_be_made_of_a_cached_value(app: Flask) -> None:
    count = Count(lambda: str(count.calls))
    key = cache.cached(60, make_cache_key=lambda: f"edition {cache.get('edition')}")
    app.add_url_rule("/edition", "edition", key(lambda: count()))

    def get() -> str:
        return app.test_client().get("/edition").text

    with app.app_context():
        cache.set("edition", 1)
        assert [get(), get()] == ["1", "1"]
        cache.set("edition", 2)
        assert [get(), get()] == ["2", "2"]
        assert cache.get("edition") == 2


def test_a_response_may_have_a_timeout_of_its_own(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts = {"the decorator's": 0, "brief": 30, "long": 90}
    counts = {name: Count(lambda: "page") for name in timeouts}

    @app.get("/own/<name>")
    @cache.cached(timeout=60)
    def own(name: str) -> CachedResponse:
        return CachedResponse(Response(counts[name]()), timeouts[name])

    def visit_all() -> dict[str, int]:
        for name in timeouts:
            assert app.test_client().get(f"/own/{name}").text == "page"
        return {name: count.calls for name, count in counts.items()}

    visit_all()
    pass_time(monkeypatch, 31)
    assert visit_all() == {"the decorator's": 1, "brief": 2, "long": 1}
    pass_time(monkeypatch, 30)
    assert visit_all() == {"the decorator's": 2, "brief": 3, "long": 1}


def test_the_backend_has_the_methods_that_flask_caching_documents(app: Flask) -> None:
    with app.app_context():
        backend = cache.cache
        assert backend.set("x", {"a": 1})
        assert backend.get("x") == cache.get("x") == {"a": 1}
        assert backend.has("x")
        assert backend.get_dict("x", "y") == {"x": {"a": 1}, "y": None}
        assert (backend.inc("visits"), backend.inc("visits", 2), backend.dec("visits")) == (1, 3, 2)
        assert backend.delete("x")
        assert not backend.delete("x")
        assert backend.add("x", 1)
        assert backend.clear()
        assert cache.get("x") is None


def test_a_hit_is_indicated_and_announced(make_app: MakeApp) -> None:
    app = make_app(CACHE_ENABLE_SIGNALS=True)
    view = cache.cached(60, response_hit_indication=True)(lambda: "page")
    app.add_url_rule("/page", "page", view)
    function = cache.memoize(60)(lambda number: number)
    seen: list[str] = []
    signals = [cache_view_miss, cache_view_hit, cache_memoize_miss, cache_memoize_hit]
    with ExitStack() as stack:
        for signal in signals:
            name = signal.name
            stack.enter_context(
                signal.connected_to(lambda _, name=name, **about: seen.append(name))
            )
        answers = [app.test_client().get("/page") for _ in range(2)]
        with app.app_context():
            assert [function(1), function(1)] == [1, 1]
    assert [answer.headers.get("hit_cache") for answer in answers] == [None, "True"]
    assert seen == [signal.name for signal in signals]


def test_a_generator_is_stored_as_the_text_that_it_makes(app: Flask) -> None:
    @cache.memoize(60)
    def words() -> Any:
        yield "one "
        yield "two"

    with app.app_context():
        assert [words(), words()] == ["one two", "one two"]


def test_an_app_may_be_bound_twice(app: Flask) -> None:
    cache.init_app(app)
    flask_caching.Cache(app, config={"CACHE_TYPE": "SimpleCache"})  # beside ours
    with app.app_context():
        assert cache.set("key", 1)
        assert cache.get("key") == 1
