"""Private names of Flask-Caching that the engine uses: a new release may move them."""

from importlib.metadata import version
from typing import Any

import flask_caching
import pytest
from flask_caching.jinja2ext import CacheExtension


@pytest.mark.parametrize(
    ("owner", "name", "user"),
    [
        (flask_caching, "_CachedFunction", "cache.py"),
        (flask_caching, "_MemoizedFunction", "cache.py"),
        (flask_caching.Cache, "_memoize_version", "cache.py"),
        (CacheExtension, "_cache", "fragments.py"),
    ],
)
def test_a_private_name_is_in_its_place(owner: Any, name: str, user: str) -> None:
    assert hasattr(owner, name), (
        f"Flask-Caching {version('flask-caching')} has no {owner.__name__}.{name} any more: "
        f"engine/caching/{user} uses it."
    )
