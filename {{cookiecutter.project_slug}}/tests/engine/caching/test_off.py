"""The cache turned off by `null://`: every call computes, and nothing else changes."""

from .conftest import MakeApp
from .support import Count, cache, serve


def test_with_null_every_call_computes(make_app: MakeApp) -> None:
    app = make_app(CACHE_URL="null://")
    client, view = serve(app, lambda: "page")
    for visits in (1, 2):
        seen = client.get("/page")
        assert (seen.text, view.calls) == ("page", visits)
        assert seen.headers["Cache-Status"].endswith("; fwd=bypass")
    count = Count(lambda: count.calls)
    with app.app_context():
        function = cache.memoize()(lambda: count())
        assert [function(), function()] == [1, 2]
        assert [cache.remember("key", count), cache.remember("key", count)] == [3, 4]
        assert not cache.set("key", 1)
        assert not cache.add("key", 1)
        assert cache.get("key") is None
        assert not cache.delete("key")
        cache.invalidate("products")
        assert cache.clear()
        assert cache.ping()
