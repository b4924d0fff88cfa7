"""Goes into a generated project and runs there, against the Redis of CACHE_URL and SESSION_URL."""

import logging
from functools import partial

from flask import session
from my_service import create_app  # type: ignore[import-not-found]
from my_service.caching import cache, invalidate, remember  # type: ignore[import-not-found]
from my_service.sessions import regenerate  # type: ignore[import-not-found]

KEYS = 60  # enough to be on every node of a cluster
calls: list[int] = []


@cache.memoize(tags=("even",))  # type: ignore[untyped-decorator]
def double(number: int) -> int:
    calls.append(number)
    return 2 * number


def half(number: int) -> float:
    calls.append(number)
    return number / 2


def computed() -> int:
    """How many of KEYS memoized and KEYS remembered values had to be computed."""
    calls.clear()
    for number in range(KEYS):
        assert double(number) == 2 * number
        tag = "odd" if number % 2 else "even"
        assert remember(f"half {number}", partial(half, number), tags=(tag,)) == number / 2
    return len(calls)


app = create_app()


@app.get("/visit")  # type: ignore[untyped-decorator]
def visit() -> str:
    session["visits"] = session.get("visits", 0) + 1
    return str(session["visits"])


@app.get("/sign-in")  # type: ignore[untyped-decorator]
def sign_in() -> str:
    regenerate()
    return str(visit())


@app.get("/sign-out")  # type: ignore[untyped-decorator]
def sign_out() -> str:
    session.clear()
    return ""


with app.app_context():
    cache.clear()
    assert computed() == 2 * KEYS
    assert computed() == 0
    invalidate("odd")
    assert computed() == KEYS / 2
    cache.delete_memoized(double, 1)
    assert computed() == 1
    assert cache.set_many({f"plain {number}": number for number in range(KEYS)})
    assert cache.get_many("plain 1", "plain 2", "plain 3") == [1, 2, 3]
    assert cache.delete_many(*(f"plain {number}" for number in range(KEYS)))
    cache.delete_memoized(double)
    assert computed() >= KEYS
    assert cache.stats()["entries"] >= 2 * KEYS
    assert cache.stats()["memory"] > 0
    cache.clear()
    assert computed() == 2 * KEYS
    assert not cache.backend.entries.breaker.open, "an operation failed"
for _ in range(KEYS // 3):
    browser, thief = app.test_client(), app.test_client()
    assert [browser.get(path).text for path in ("/visit", "/visit")] == ["1", "2"]
    name = app.config["SESSION_COOKIE_NAME"]
    thief.set_cookie(name, browser.get_cookie(name).value)
    assert [browser.get(path).text for path in ("/sign-in", "/visit")] == ["3", "4"]
    assert thief.get("/visit").text == "1"
    assert [browser.get(path).text for path in ("/sign-out", "/visit")] == ["", "1"]
logging.shutdown()  # which writes the last lines of the log
print("every shape holds")
