"""The cache turned off: every call passes, and nothing else changes."""

from . import caching
from .conftest import MakeApp

cache = caching.cache


def test_with_null_everything_passes(make_app: MakeApp) -> None:
    app = make_app(CACHE_URL="null://")
    calls: list[int] = []

    def count() -> str:
        calls.append(1)
        return str(len(calls))

    app.add_url_rule("/page", "page", cache.page(timeout=60)(lambda: count()))
    client = app.test_client()
    for visits in ("1", "2"):
        seen = client.get("/page")
        assert seen.text == visits
        assert seen.headers["Cache-Status"].endswith("; fwd=bypass")
    with app.app_context():
        function = cache.memoize()(lambda: count())
        assert [function(), function()] == ["3", "4"]
        assert [cache.remember("key", count), cache.remember("key", count)] == ["5", "6"]
        assert not cache.set("key", 1)
        assert not cache.add("key", 1)
        assert cache.get("key") is None
        assert not cache.delete("key")
        cache.invalidate("products")
        assert cache.clear()
        assert cache.ping()


def test_the_commands_say_that_there_is_no_cache(make_app: MakeApp) -> None:
    commands = make_app(CACHE_URL="null://").test_cli_runner()
    for arguments in (["stats"], ["clear"], ["invalidate", "products"]):
        said = commands.invoke(args=["cache", *arguments])
        assert said.exit_code == 1
        assert "no cache" in said.output
