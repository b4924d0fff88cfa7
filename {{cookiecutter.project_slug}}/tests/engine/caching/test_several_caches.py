"""Each cache has its own entries, and clear() clears no others."""

from typing import Any

import pytest
from flask import Flask
from flask_caching.backends.base import BaseCache

from .support import Cache, Count, cache

pytestmark = pytest.mark.usefixtures("patient")


def test_clear_reaches_this_cache_only(app: Flask) -> None:
    other = Cache()
    other.init_app(app, {"CACHE_KEY_PREFIX": f"{app.config['CACHE_KEY_PREFIX']}other:"})
    with app.app_context():
        cache.set("key", "mine")
        other.set("key", "theirs")
        cache.clear()
        assert (cache.get("key"), other.get("key")) == (None, "theirs")


class OwnStore(BaseCache):
    """A store of the team's own: what the README asks of it, and no more."""

    def __init__(self, default_timeout: int = 300) -> None:
        super().__init__(default_timeout)
        self.items: dict[str, bytes] = {}

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> "OwnStore":
        return cls(kwargs["default_timeout"])

    def get(self, key: str) -> bytes | None:
        return self.items.get(key)

    def set(self, key: str, value: bytes, timeout: Any = None) -> bool:
        self.items[key] = value
        return True

    def add(self, key: str, value: bytes, timeout: Any = None) -> bool:
        return self.items.setdefault(key, value) is value

    def delete(self, key: str) -> bool:
        self.items.pop(key, None)
        return True

    def has(self, key: str) -> bool:
        return key in self.items


def test_a_second_cache_may_have_a_store_of_the_teams_own(app: Flask) -> None:
    reports = Cache()
    reports.init_app(app, {"CACHE_KEY_PREFIX": "reports:", "CACHE_TYPE": f"{__name__}.OwnStore"})
    count = Count(lambda: "report")
    with app.app_context():
        for rounds in (1, 2):
            for _ in range(2):
                assert reports.remember("key", count, tags=("orders",)) == "report"
            assert count.calls == rounds
            reports.invalidate("orders")
        assert cache.get("key") is None
        reports.set("key", "theirs")
        cache.clear()
        assert reports.get("key") == "theirs"
        reports.clear()
        assert reports.get("key") is None


def test_two_caches_may_not_have_one_prefix(app: Flask) -> None:
    with pytest.raises(ValueError, match="another cache's"):
        Cache().init_app(app)
