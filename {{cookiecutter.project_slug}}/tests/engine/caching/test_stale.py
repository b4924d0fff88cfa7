"""Stale while revalidating, and stale if the computation raises."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, abort

from .support import Count, cache, pass_time, serve

pytestmark = pytest.mark.usefixtures("patient")

STALE_SERVED = "A cached value could not be computed, a stale one is served."


def test_a_stale_value_is_served_while_one_computes_the_new_one(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        assert cache.remember("key", lambda: "old", 60, stale=300) == "old"
        pass_time(monkeypatch, 61)

        def meanwhile() -> str:
            assert cache.remember("key", lambda: "another", 60, stale=300) == "old"
            return "new"

        assert cache.remember("key", meanwhile, 60, stale=300) == "new"
        assert cache.remember("key", lambda: "another", 60, stale=300) == "new"


def test_only_callers_with_stale_get_a_stale_value(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        cache.remember("key", lambda: "old", 60, stale=300)
        pass_time(monkeypatch, 61)
        assert cache.get("key") is None
        with pytest.raises(ZeroDivisionError):
            cache.remember("key", lambda: 1 // 0, 60)
        stood_in: object = cache.remember("key", lambda: 1 // 0, 60, stale=300)
        assert stood_in == "old"


def test_a_stale_value_is_as_old_as_its_reader_allows(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        cache.remember("key", lambda: "old", 60, stale=300)
        pass_time(monkeypatch, 100)
        with pytest.raises(ZeroDivisionError):
            cache.remember("key", lambda: 1 // 0, 60, stale=30)


def test_a_stale_value_takes_the_place_of_an_abort_503(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = Count(lambda: "old")
    app.add_url_rule("/cached", "cached", cache.cached(60, stale=300)(lambda: count()))
    client = app.test_client()
    assert client.get("/cached").text == "old"
    pass_time(monkeypatch, 61)
    count.answer = lambda: abort(503)
    assert (client.get("/cached").text, count.calls) == ("old", 2)


@pytest.mark.parametrize("failure", [lambda: 1 // 0, lambda: ("down", 503)], ids=["error", "503"])
def test_a_stale_page_says_so_and_takes_the_place_of_a_failure(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failure: Callable[[], Any],
) -> None:
    client, view = serve(app, lambda: "old", stale=300)
    client.get("/page")
    pass_time(monkeypatch, 62)
    view.answer = failure
    for _ in range(3):
        seen = client.get("/page")
        assert (seen.status_code, seen.text) == (200, "old")
        assert "detail=stale" in seen.headers["Cache-Status"]
        assert "ttl=-" in seen.headers["Cache-Status"]
    assert view.calls == 2  # the failure is not met again before its lease ends
    assert [record.message for record in caplog.records].count(STALE_SERVED) == 1


def test_a_deliberate_answer_beats_the_stale_page(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, view = serve(app, lambda: "old", stale=300)
    client.get("/page")
    pass_time(monkeypatch, 61)
    view.answer = lambda: abort(Response("gone", 410))
    assert client.get("/page").status_code == 410
    assert client.get("/page").status_code == 410
