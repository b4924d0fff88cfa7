"""The promises of the caching package, on the store of CACHE_URL."""

import itertools
import pickle
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Response, abort, flash, redirect, request, session
from flask.testing import FlaskClient
from flask_caching import CachedResponse, make_template_fragment_key
from flask_caching.backends.base import BaseCache
from werkzeug.serving import make_server

from . import caching
from .conftest import MakeApp
from .visitor import sample

STALE_SERVED = "A cached value could not be computed, a stale one is served."

NUMBERS = itertools.count(1)  # each of them once
LEASE = f"{caching.__name__}.flight.LEASE"

cache = caching.cache


class Count:
    """A view, or any function, that counts its calls."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer
        self.calls = 0

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls += 1
        return self.answer()


def serve(app: Flask, answer: Callable[[], Any], **options: Any) -> tuple[FlaskClient, Count]:
    """A cached page at /page."""
    count = Count(answer)
    view = cache.page(**{"timeout": 60, **options})(lambda: count())
    app.add_url_rule("/page", "page", view, methods=["GET", "POST"])
    return app.test_client(), count


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)


# Pages


def test_a_page_is_computed_once(app: Flask) -> None:
    client, view = serve(app, lambda: "hello")
    first, second = client.get("/page"), client.get("/page")
    assert (first.text, second.text, view.calls) == ("hello", "hello", 1)
    assert first.headers["Cache-Status"].endswith("; fwd=miss; stored")
    assert "; hit; ttl=" in second.headers["Cache-Status"]
    assert second.cache_control.public
    assert 55 < int(second.cache_control.max_age or 0) <= 60


def test_browsers_may_keep_a_page_as_long_as_the_cache_does(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, view = serve(app, lambda: "hello", stale=300)
    client.get("/page")

    def allowed() -> tuple[int, int]:
        control = client.get("/page").cache_control
        assert control.public
        assert control.max_age is not None
        return control.max_age, int(control.stale_while_revalidate or 0)

    pass_time(monkeypatch, 20)
    fresh, stale = allowed()
    assert (35 < fresh <= 40, stale) == (True, 300)

    view.answer = lambda: abort(500)
    pass_time(monkeypatch, 80)
    fresh, stale = allowed()
    assert (fresh, 255 < stale <= 260) == (0, True)


@pytest.mark.parametrize("option", ["max_age", "timeout"])
def test_a_page_may_have_browsers_ask_each_time(app: Flask, option: str) -> None:
    client, _ = serve(app, lambda: "hello", stale=300, **{option: 0})
    for _ in range(2):
        control = client.get("/page").cache_control
        assert (control.public, control.max_age) == (True, 0)
        assert control.stale_while_revalidate is None


def test_a_page_answers_304_to_whoever_has_it(app: Flask) -> None:
    client, view = serve(app, lambda: "hello")
    etag = client.get("/page").headers["ETag"]
    again = client.get("/page", headers={"If-None-Match": etag})
    assert (again.status_code, again.data, view.calls) == (304, b"", 1)
    assert again.headers["ETag"] == etag


def test_a_page_is_kept_for_each_listed_argument_and_host_and_nothing_else(app: Flask) -> None:
    client, view = serve(app, lambda: request.full_path + request.host, args=("q",))
    answers = [
        client.get("/page?q=a").text,
        client.get("/page?q=b").text,
        client.get("/page?q=a", base_url="http://other.example").text,
    ]
    assert len(set(answers)) == view.calls == 3
    assert client.get("/page?utm_source=x&q=a").text == answers[0]
    assert view.calls == 3


def test_two_paths_are_two_pages_however_their_urls_are_written(app: Flask) -> None:
    view = cache.page(timeout=60)(lambda name: name)
    app.add_url_rule("/named/<path:name>", "named", view)
    client = app.test_client()
    names = {"a b": "a%20b", "a%20b": "a%2520b", "admin": "admin", "%61dmin": "%2561dmin"}
    for _ in range(2):
        assert {name: client.get(f"/named/{url}").text for name, url in names.items()} == {
            name: name for name in names
        }


def test_a_page_is_kept_for_each_value_of_the_listed_headers(app: Flask) -> None:
    client, view = serve(app, lambda: request.headers["Accept-Language"], vary=("Accept-Language",))
    for language in ("de", "fr", "de"):
        answer = client.get("/page", headers={"Accept-Language": language})
        assert answer.text == language
        assert "Accept-Language" in answer.headers["Vary"]
    assert view.calls == 2


def test_only_get_is_cached_and_head_gets_the_same(app: Flask) -> None:
    client, view = serve(app, lambda: request.method)
    assert client.post("/page").text == "POST"
    assert client.head("/page").data == b""
    assert client.get("/page").text == "GET"
    assert client.post("/page").text == "POST"
    calls = view.calls
    assert "; hit" in client.head("/page").headers["Cache-Status"]
    assert view.calls == calls


def test_a_request_with_authorization_bypasses_the_cache(app: Flask) -> None:
    client, _ = serve(app, lambda: request.headers.get("Authorization", "nobody"))
    hers = client.get("/page", headers={"Authorization": "Bearer alice"})
    assert (hers.text, hers.cache_control.public) == ("Bearer alice", False)
    assert client.get("/page").text == "nobody"
    assert client.get("/page", headers={"Authorization": "Bearer bob"}).text == "Bearer bob"


def touched_session() -> str:
    return f"hello {session.get('name')}"


def flashed() -> str:
    flash("saved")
    return "done"


def with_cookie() -> Response:
    answer = Response("mine")
    answer.set_cookie("choice", "1")
    return answer


def marked_private() -> Response:
    answer = Response("mine")
    answer.cache_control.private = True
    return answer


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(touched_session, id="session"),
        pytest.param(flashed, id="flash"),
        pytest.param(with_cookie, id="cookie"),
        pytest.param(marked_private, id="private"),
        pytest.param(lambda: Response(iter(["a", "b"])), id="stream"),
        pytest.param(lambda: redirect("/elsewhere"), id="redirect"),
        pytest.param(lambda: ("teapot", 418), id="status"),
        pytest.param(lambda: abort(404), id="abort"),
    ],
)
def test_what_is_not_for_everyone_is_never_stored(app: Flask, answer: Callable[[], Any]) -> None:
    client, view = serve(app, answer, stale=60)
    for visits in (1, 2, 3):
        seen = client.get("/page")
        assert view.calls == visits
        assert "hit" not in seen.headers.get("Cache-Status", "")


def test_nobody_on_the_way_keeps_a_cookie(app: Flask) -> None:
    client, _ = serve(app, lambda: "hello")
    app.after_request_funcs.setdefault(None, []).append(choose_variant)
    for _ in range(2):
        answer = client.get("/page")
        assert "Set-Cookie" in answer.headers
        assert (answer.cache_control.private, answer.cache_control.public) == (True, False)


def choose_variant(response: Response) -> Response:
    response.set_cookie("variant", "b")
    return response


def test_a_page_may_be_kept_as_briefly_as_its_view_says(app: Flask) -> None:
    def brief() -> Response:
        return Response("hello", headers={"Cache-Control": "max-age=5, must-revalidate"})

    client, _ = serve(app, brief, stale=300)
    for _ in range(2):
        control = client.get("/page").cache_control
        assert (control.max_age, control.stale_while_revalidate) == (5, None)


def test_what_a_view_asked_for_at_the_end_of_its_answer_is_done(app: Flask) -> None:
    ended: list[str] = []

    def answer() -> Response:
        response = Response("hello")
        response.call_on_close(lambda: ended.append("it"))
        return response

    client, _ = serve(app, answer)
    client.get("/page")
    assert ended == ["it"]


@pytest.mark.parametrize("directive", ["no-store", "no-cache"])
def test_what_a_view_forbids_to_store_is_not_stored(app: Flask, directive: str) -> None:
    client, view = serve(app, lambda: Response("fresh", headers={"Cache-Control": directive}))
    assert [client.get("/page").text, client.get("/page").text] == ["fresh", "fresh"]
    assert view.calls == 2


def test_a_page_that_varies_on_what_is_not_listed_is_not_stored(app: Flask) -> None:
    def answer() -> Response:
        return Response(request.headers["X-Plan"], headers={"Vary": "X-Plan"})

    client, _ = serve(app, answer, vary=("Accept-Language",))
    for plan in ("free", "paid"):
        seen = client.get("/page", headers={"X-Plan": plan})
        assert (seen.text, set(seen.vary)) == (plan, {"X-Plan", "Accept-Language"})


def test_a_deliberate_answer_beats_the_stale_page(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, view = serve(app, lambda: "old", stale=300)
    client.get("/page")
    pass_time(monkeypatch, 61)
    view.answer = lambda: abort(Response("gone", 410))
    assert client.get("/page").status_code == 410
    assert client.get("/page").status_code == 410


def test_a_page_that_touched_the_session_is_private(app: Flask) -> None:
    def answer() -> Response:
        return Response(touched_session(), headers={"Cache-Control": "public, max-age=60"})

    client, _ = serve(app, answer)
    seen = client.get("/page")
    assert seen.headers["Cache-Status"].endswith("; fwd=miss; detail=session")
    assert seen.cache_control.private
    assert seen.cache_control.no_cache
    assert seen.cache_control.max_age is None
    assert not seen.cache_control.public


def test_whoever_touched_the_session_before_the_view_gets_no_page_of_others(app: Flask) -> None:
    client, view = serve(app, lambda: f"hello {session.get('name', 'stranger')}")

    @app.before_request
    def load_user() -> None:
        if "session" in "".join(request.cookies):
            session.get("name")

    @app.get("/login")
    def login() -> str:
        session["name"] = "alice"
        return "welcome"

    view.answer = lambda: "hello stranger"
    assert "stored" in client.get("/page").headers["Cache-Status"]
    client.get("/login")
    view.answer = lambda: f"hello {session['name']}"
    answer = client.get("/page")
    assert answer.text == "hello alice"
    assert "fwd=bypass; detail=session" in answer.headers["Cache-Status"]
    assert "; hit" in app.test_client().get("/page").headers["Cache-Status"]


def test_those_who_ask_for_a_page_that_is_missing_do_not_queue(app: Flask) -> None:
    together = threading.Barrier(2)

    def missing() -> None:
        if view.calls > 1:
            together.wait(5)
        abort(404)

    client, view = serve(app, missing)
    client.get("/page")
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda _: app.test_client().get("/page").status_code, range(2))
        assert [*answers] == [404, 404]


# Values


def test_a_hundred_who_miss_at_once_compute_once(app: Flask) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(5)
        return "value"

    count = Count(slow)

    def ask() -> object:
        with app.app_context():
            return cache.remember("slow", count)

    with ThreadPoolExecutor(100) as pool:
        asked = [pool.submit(ask) for _ in range(100)]
        assert begun.wait(5)
        go_on.set()
        assert {each.result() for each in asked} == {"value"}
    assert count.calls == 1


def test_a_computation_that_raises_lets_the_next_one_begin(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(ZeroDivisionError):
            cache.remember("key", lambda: 1 // 0)
        begun = time.monotonic()
        assert cache.remember("key", lambda: 2) == 2
        assert time.monotonic() - begun < 2  # the lease would be five


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


def test_a_stale_value_is_for_those_who_ask_for_it(
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


def test_a_view_that_aborts_for_a_failure_has_its_stale_value_stand_in(
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
def test_a_stale_page_says_so_and_stands_in_when_the_new_one_fails(
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


def test_invalidate_reaches_pages_remembered_and_memoized_values(app: Flask) -> None:
    client, view = serve(app, lambda: "page", tags=("products",))
    with app.app_context():
        remembered, memoized = Count(lambda: 1), Count(lambda: 2)
        function = cache.memoize(tags=("products",))(lambda: memoized())
        for rounds in (1, 2):
            for _ in range(2):
                client.get("/page")
                cache.remember("key", remembered, tags=("products",))
                function()
            assert (view.calls, remembered.calls, memoized.calls) == (rounds,) * 3
            cache.invalidate("products")


def test_a_tagged_value_is_gone_for_a_plain_get_too(app: Flask) -> None:
    with app.app_context():
        cache.remember("key", lambda: 1, tags=("products",))
        cache.invalidate()  # none, as after a commit that changed nothing
        assert cache.get("key") == 1
        cache.invalidate("products")
        assert cache.get("key") is None


def test_a_value_computed_before_an_invalidation_is_never_served_after_it(app: Flask) -> None:
    with app.app_context():

        def overtaken() -> str:
            cache.invalidate("products")
            return "old"

        assert cache.remember("key", overtaken, tags=("products",)) == "old"
        assert cache.remember("key", lambda: "new", tags=("products",)) == "new"


@pytest.mark.parametrize("change", ["delete", "set", "clear", "invalidate"])
def test_a_slow_computation_does_not_undo_what_came_after_it_began(app: Flask, change: str) -> None:
    changes: dict[str, Callable[[], object]] = {
        "delete": lambda: cache.delete("key"),
        "set": lambda: cache.set("key", "new"),
        "clear": lambda: cache.clear(),
        "invalidate": lambda: cache.invalidate("products"),
    }
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(5)
        return "old"

    def reader() -> object:
        with app.app_context():
            return cache.remember("key", slow, tags=("products",))

    with ThreadPoolExecutor(1) as pool, app.app_context():
        reading = pool.submit(reader)
        assert begun.wait(5)
        changes[change]()
        go_on.set()
        assert reading.result() == "old"
        assert cache.remember("key", lambda: "new", tags=("products",)) == "new"


def test_a_computation_may_ask_for_itself(app: Flask) -> None:
    def fall() -> int:
        depth.append(1)
        return 0 if len(depth) > 3 else 1 + cache.remember("depth", fall)

    depth: list[int] = []
    with app.app_context():
        begun = time.monotonic()
        assert cache.remember("depth", fall) == 3
        assert time.monotonic() - begun < 2  # the lease would be five
        assert cache.get("depth") == 3


def test_whoever_waits_outlasts_two_failures_and_then_computes(app: Flask) -> None:
    together = threading.Barrier(8, timeout=5)

    def fail() -> None:
        if count.calls <= 2:
            time.sleep(0.4)  # long enough to be noticed by all who wait
        else:
            together.wait()
        raise ZeroDivisionError

    count = Count(fail)

    def ask() -> None:
        with app.app_context(), pytest.raises(ZeroDivisionError):
            cache.remember("key", count)

    with ThreadPoolExecutor(10) as pool:
        for asked in [pool.submit(ask) for _ in range(10)]:
            asked.result()


def test_nobody_waits_longer_than_two_leases(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LEASE, 1)
    with app.app_context():
        assert cache.store.add(cache.name("lease", "key"), b"somebody's", 60)
        begun = time.monotonic()
        assert cache.remember("key", lambda: "mine") == "mine"
        assert 2 <= time.monotonic() - begun < 3
        assert cache.get("key") is None  # only the holder stores


def test_whoever_gets_the_lease_looks_once_more(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        lease, add = cache.name("lease", "key"), cache.store.add

        def too_late(name: str, value: bytes, timeout: int) -> bool:
            if name == lease:
                cache.set("key", "landed")
            return add(name, value, timeout)

        monkeypatch.setattr(cache.store, "add", too_late)
        assert cache.remember("key", lambda: "computed again") == "landed"
        assert cache.store.get_many(lease) == [None]


def test_who_computes_too_long_leaves_the_lease_of_the_next_one_alone(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LEASE, 1)
    with app.app_context():
        lease = cache.name("lease", "key")

        def slow() -> str:
            while not cache.store.add(lease, b"the next one's", 60):
                time.sleep(0.02)
            return "value"

        assert cache.remember("key", slow) == "value"
        assert cache.store.get_many(lease) == [b"the next one's"]


def test_a_key_that_is_computed_by_all_loses_no_other_entry(app: Flask) -> None:
    with app.app_context():
        for number in range(100):
            cache.set(f"other {number}", number)
        cache.remember("key", threading.Lock)  # which cannot be stored
        cache.delete("key")
        assert cache.get_many(*(f"other {number}" for number in range(100))) == [*range(100)]


def test_whoever_meets_a_tag_that_another_just_made_can_store(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        add = cache.store.add

        def late(name: str, value: bytes, timeout: int) -> bool:
            return add(name, b"another's", timeout) and add(name, value, timeout)

        monkeypatch.setattr(cache.store, "add", late)
        assert cache.set("key", "value")
        assert cache.get("key") == "value"


def test_what_cannot_be_stored_is_not_waited_for(app: Flask) -> None:
    together = threading.Barrier(4, timeout=5)

    def compute() -> threading.Lock:
        if count.calls > 1:
            together.wait()
        return threading.Lock()

    count = Count(compute)

    def ask() -> object:
        with app.app_context():
            return cache.remember("key", count)

    ask()
    with ThreadPoolExecutor(4) as pool:
        for asked in [pool.submit(ask) for _ in range(4)]:
            assert asked.result()


def test_clear_reaches_this_cache_only(app: Flask) -> None:
    other = caching.Cache()
    other.init_app(app, {"CACHE_KEY_PREFIX": f"{app.config['CACHE_KEY_PREFIX']}other:"})
    with app.app_context():
        cache.set("key", "mine")
        other.set("key", "theirs")
        cache.clear()
        assert (cache.get("key"), other.get("key")) == (None, "theirs")


class Shelf(BaseCache):
    """A store of the team's own: what the README asks of it, and no more."""

    def __init__(self, default_timeout: int = 300) -> None:
        super().__init__(default_timeout)
        self.items: dict[str, bytes] = {}

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> "Shelf":
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


def test_a_second_cache_may_have_a_store_of_ones_own(app: Flask) -> None:
    reports = caching.Cache()
    reports.init_app(app, {"CACHE_KEY_PREFIX": "reports:", "CACHE_TYPE": f"{__name__}.Shelf"})
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
        caching.Cache().init_app(app)


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


def test_many_keys_cost_two_round_trips(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    with app.app_context():
        read = cache.store.get_many

        def get_many(*names: str) -> list[Any]:
            asked.append(names)
            return read(*names)

        keys = [f"key {number}" for number in range(20)]
        cache.set_many(dict.fromkeys(keys, "value"))
        monkeypatch.setattr(cache.store, "get_many", get_many)
        assert cache.get_many(*keys) == ["value"] * 20
    assert len(asked) == 2


def test_methods_are_memoized_for_each_object_or_class(app: Flask) -> None:
    class Adder:
        @cache.memoize()
        def add(self, number: int) -> int:
            return number + next(NUMBERS)

        @classmethod
        @cache.memoize()
        def of_all(cls, number: int) -> int:
            return number + next(NUMBERS)

    with app.app_context():
        one, other = Adder(), Adder()
        first, second = one.add(3), other.add(3)
        assert first != second
        assert (one.add(number=3), other.add(3)) == (first, second)
        cache.delete_memoized(one.add)
        assert one.add(3) != first
        assert other.add(3) == second
        first = one.add(3)
        cache.delete_memoized(one.add, 3)
        assert one.add(3) != first
        first = one.add(3)
        cache.delete_memoized(Adder.add)
        assert one.add(3) != first
        assert other.add(3) != second
        all_adders: Any = Adder  # which types nobody can follow
        shared = all_adders.of_all(1)
        assert all_adders.of_all(1) == shared
        cache.delete_memoized(all_adders.of_all, Adder, 1)
        assert all_adders.of_all(1) != shared


def test_memoize_takes_the_options_that_flask_caching_documents(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Customer:
        def __init__(self, number: int) -> None:
            self.number = number

        def __caching_id__(self) -> str:
            return f"customer {self.number}"

        @cache.memoize(timeout=timedelta(minutes=1))
        def rating(self) -> int:
            return next(NUMBERS)

    @cache.memoize(args_to_ignore=["at"])
    def rate(currency: str, at: float) -> int:
        return next(NUMBERS)

    @cache.memoize(response_filter=lambda _: False)
    def filtered() -> int:
        return next(NUMBERS)

    with app.app_context():
        assert rate("EUR", 1.0) == rate("EUR", at=2.0) != rate("USD", 1.0)
        assert Customer(1).rating() == Customer(1).rating() != Customer(2).rating()
        assert filtered() != filtered()
        assert rate.uncached("EUR", 1.0) != rate("EUR", 1.0)
        rate.cache_timeout = 30
        rate.delete_memoized()
        euros = rate("EUR", 1.0)
        assert rate("EUR", 1.0) == euros
        pass_time(monkeypatch, 31)
        assert rate("EUR", 1.0) != euros


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


def test_memoize_forgets_one_call_or_all_even_during_one(app: Flask) -> None:
    count = Count(lambda: None)

    @cache.memoize(60)
    def double(number: int) -> int:
        count()
        if number == 3:
            cache.delete_memoized(double)
        return 2 * number

    with app.app_context():
        assert [double(1), double(1), double(2), count.calls] == [2, 2, 4, 2]
        cache.delete_memoized(double, 1)
        assert [double(1), double(2), count.calls] == [2, 4, 3]
        cache.delete_memoized(double)
        assert [double(2), count.calls] == [4, 4]
        assert [double(3), double(3), count.calls] == [6, 6, 6]


@pytest.mark.parametrize("option", ["forced_update", "is_stale"])
def test_a_value_that_was_updated_by_force_can_be_invalidated(app: Flask, option: str) -> None:
    count, forced = Count(lambda: count.calls), False

    options: dict[str, Any] = {option: lambda *_: forced}

    @cache.memoize(60, tags=("products",), **options)
    def function() -> Any:
        return count()

    with app.app_context():
        assert [function(), function()] == [1, 1]
        forced = True
        assert function() == 2
        forced = False
        assert function() == 2
        cache.invalidate("products")
        assert function() == 3
        cache.delete_memoized(function)
        assert function() == 4


def test_what_began_before_an_update_by_force_is_not_kept(app: Flask) -> None:
    count, forced = Count(lambda: count.calls), False

    @cache.memoize(60, forced_update=lambda: forced)
    def function() -> Any:
        nonlocal forced
        number = count()
        if number == 1:
            forced = True
            function()
            forced = False
        return number

    with app.app_context():
        assert [function(), function(), function()] == [1, 3, 3]


def test_a_view_that_aborts_does_so_from_the_cache_too(app: Flask) -> None:
    count = Count(lambda: abort(404))
    app.add_url_rule("/gone", "gone", cache.cached(60, stale=60)(lambda: count()))
    for _ in range(3):
        seen = app.test_client().get("/gone", headers={"Accept": "application/json"})
        assert seen.status_code == 404
        assert "problem" in seen.content_type or "html" in seen.content_type
    assert count.calls == 1


def test_none_is_a_value_with_cache_none(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    count = Count(lambda: None)
    function = cache.memoize(60, cache_none=True, stale=300)(lambda: count())
    with app.app_context():
        function()
        function()
        assert count.calls == 1
        pass_time(monkeypatch, 61)
        function()
        function()
        assert count.calls == 2


def test_none_is_computed_again_until_there_is_a_value(app: Flask) -> None:
    count = Count(lambda: count.calls if count.calls > 2 else None)
    function = cache.memoize(60)(lambda: count())
    with app.app_context():
        assert [function() for _ in range(4)] == [None, None, 3, 3]


def test_a_key_may_be_made_of_what_is_cached(app: Flask) -> None:
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


def test_a_name_may_be_made_of_what_is_cached(app: Flask) -> None:
    count = Count(lambda: count.calls)

    @cache.memoize(60, make_name=lambda name: f"{name} {cache.get('edition')}", tags=("books",))
    def book(_: int) -> Any:
        return count()

    with app.app_context():
        cache.set("edition", 1)
        assert [book(1), book(1)] == [1, 1]
        cache.invalidate("books")
        assert [book(1), book(1)] == [2, 2]
        cache.delete_memoized(book)
        assert [book(1), book(1)] == [3, 3]
        assert cache.get("edition") == 1


def test_a_response_may_have_a_timeout_of_its_own(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"for-good": 0, "brief": 30}
    counts = {name: Count(lambda: "page") for name in answers}

    @app.get("/own/<name>")
    @cache.cached(timeout=60)
    def own(name: str) -> CachedResponse:
        return CachedResponse(Response(counts[name]()), answers[name])

    client = app.test_client()
    for _ in range(2):
        for name in answers:
            assert client.get(f"/own/{name}").text == "page"
        pass_time(monkeypatch, 61)
    assert {name: count.calls for name, count in counts.items()} == {"for-good": 1, "brief": 2}


def test_memoize_never_takes_one_object_for_another(app: Flask) -> None:
    class Customer:
        def __init__(self, name: str) -> None:
            self.name = name

        @cache.memoize(60)
        def greeting(self) -> str:
            return f"hello {self.name}"

    @cache.memoize(60)
    def name_of(customer: Customer) -> str:
        return customer.name

    with app.app_context():
        for number in range(200):  # each gets the address of one before it
            customer = Customer(str(number))
            assert name_of(customer) == str(number)
            assert customer.greeting() == f"hello {number}"


def test_any_true_answer_of_unless_bypasses_the_cache(app: Flask) -> None:
    count = Count(lambda: "value")
    function = cache.memoize(60, unless=lambda: "true")(lambda: count())

    with app.app_context():
        function()
        function()
    assert count.calls == 2


def test_fragments_with_similar_names_stay_apart(app: Flask) -> None:
    template = app.jinja_env.from_string(
        "{% cache 60, 'part', a, b %}{% print a ~ '-' ~ b %}{% endcache %}"
    )
    with app.app_context():
        pairs = [("a_b", "c"), ("a", "b_c"), (1, 2)]
        assert [template.render(a=a, b=b) for a, b in pairs * 2] == ["a_b-c", "a-b_c", "1-2"] * 2


def test_a_fragment_is_deleted_by_its_key_or_its_block(app: Flask) -> None:
    render = app.jinja_env.from_string(
        "{% cache 60, 'part', user %}{% print count() %}{% endcache %}"
    ).render
    delete = app.jinja_env.from_string("{% cache 'del', 'part', user %}gone{% endcache %}").render
    count = Count(lambda: count.calls)
    with app.app_context():
        assert [render(user=7, count=count) for _ in range(2)] == ["1", "1"]
        cache.delete(make_template_fragment_key("part", vary_on=["7"]))
        assert [render(user=7, count=count) for _ in range(2)] == ["2", "2"]
        assert delete(user=7) == "gone"
        assert render(user=7, count=count) == "3"


# What lies in the store


class Exploit:
    ran = False

    def __reduce__(self) -> tuple[Any, ...]:
        return setattr, (Exploit, "ran", True)


def test_a_value_that_somebody_else_wrote_is_never_decoded(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        cache.set("key", "mine")
        forged = cache.store.store.get_many(cache.name("value", "key"))[0][:32]
        cache.store.store.set(cache.name("value", "key"), forged + pickle.dumps(Exploit()), 60)
        assert cache.get("key") is None
        assert cache.get("key") is None
    assert not Exploit.ran
    assert len([record for record in caplog.records if "ignored" in record.message]) == 1


def test_an_entry_counts_under_its_own_key_only(app: Flask) -> None:
    with app.app_context():
        cache.set("mine", "value")
        [sealed] = cache.store.store.get_many(cache.name("value", "mine"))
        cache.store.store.set(cache.name("value", "yours"), sealed, 60)
        assert (cache.get("mine"), cache.get("yours")) == ("value", None)


def test_of_all_who_add_at_once_one_wins(app: Flask) -> None:
    together = threading.Barrier(8, timeout=5)

    def add(key: str) -> bool:
        with app.app_context():
            together.wait()
            return cache.store.add(cache.name("lease", key), b"token", 60)

    with ThreadPoolExecutor(8) as pool:
        for key in map(str, range(20)):
            assert sum(pool.map(add, [key] * 8)) == 1


def test_entries_outlive_the_rotation_of_the_key(make_app: MakeApp) -> None:
    app = make_app(SECRET_KEY="a" * 32)
    with app.app_context():
        cache.set("key", "value")
        app.config.update(SECRET_KEY="b" * 32, SECRET_KEY_FALLBACKS=["a" * 32])
        assert cache.get("key") == "value"
        app.config.update(SECRET_KEY_FALLBACKS=[])
        assert cache.get("key") is None


def test_a_value_whose_class_is_gone_is_a_miss(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        cache.set("key", Count(int))
        monkeypatch.delattr(f"{__name__}.Count")
        assert cache.get("key") is None


def test_a_value_that_cannot_be_stored_is_computed_each_time(app: Flask) -> None:
    with app.app_context():
        count = Count(lambda: threading.Lock())
        for _ in range(2):
            cache.remember("key", count)
        assert count.calls == 2
        assert cache.get("key") is None


# From the command line


@pytest.fixture
def running(make_app: MakeApp) -> Iterator[Flask]:
    """A service that listens on its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app = make_app(PORT=port)
    server = make_server("127.0.0.1", port, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield app
    server.shutdown()
    thread.join()
    server.server_close()


def test_stats_are_those_of_the_running_service(running: Flask) -> None:
    client, _ = serve(running, lambda: "page")
    for _ in range(4):
        client.get("/page")
    said = running.test_cli_runner().invoke(args=["cache", "stats"]).output
    figures = dict(line.rsplit(maxsplit=1) for line in said.splitlines()[:6])
    assert {name.strip(): figure for name, figure in figures.items()} == {
        **{"hits": "3", "misses": "1", "stale": "0", "errors": "0", "hit ratio": "75.0%"},
        "entries": figures["  entries"],
    }
    assert int(figures["  entries"]) >= 1
    assert re.search(r"memory [\d,]+ bytes", said)


def test_stats_are_not_those_of_whoever_else_listens(make_app: MakeApp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(1) as pool:
        port = other.getsockname()[1]

        def answer() -> None:
            with other.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.0 404 NOT FOUND\r\n\r\n<!doctype html>\n<p>No.</p>")

        pool.submit(answer)
        said = make_app(PORT=port).test_cli_runner().invoke(args=["cache", "stats"])
    assert f"does not answer on port {port}" in said.output


def test_stats_say_when_the_service_does_not_run(make_app: MakeApp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = make_app(PORT=port).test_cli_runner().invoke(args=["cache", "stats"])
    assert said.exit_code == 0
    assert f"does not answer on port {port}" in said.output


@pytest.mark.parametrize("command", [("clear",), ("invalidate", "products")])
def test_a_command_empties_the_cache(app: Flask, command: tuple[str, ...]) -> None:
    client, view = serve(app, lambda: "page", tags=("products",))
    client.get("/page")
    done = app.test_cli_runner().invoke(args=["cache", *command])
    client.get("/page")
    in_the_process = app.config["CACHE_URL"].startswith("memory:")  # of the service, not of this
    assert view.calls == (1 if in_the_process else 2)
    assert ("restart" in done.output, done.exit_code) == (in_the_process, int(in_the_process))


def test_what_pages_ask_of_the_cache_is_timed_and_what_probes_ask_is_not(
    client: FlaskClient,
) -> None:
    asked = {"backend": "cache", "operation": "get_many"}
    client.get("/readyz")
    assert sample(client, "backend_seconds_count", **asked) is None

    client.get("/tests/cached")

    assert (sample(client, "backend_seconds_count", **asked) or 0) > 0
    assert (sample(client, "backend_seconds_sum", **asked) or 0) > 0
    assert sample(client, "backend_errors_total", **asked) == 0


def test_a_cache_is_down_until_it_is_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    monkeypatch.setattr(f"{caching.__name__}.breaker.PROBE_INTERVAL", 0.01)
    assert sample(client, "cache_down") == 0

    with app.app_context(), monkeypatch.context() as outage:
        store: Any = caching.cache.store.store
        outage.setattr(store._backend, "get_many", None)  # a TypeError
        client.get("/tests/cached")
        client.get("/tests/cached")  # does not ask any more, and the probes do not count
        assert sample(client, "cache_down") == 1
        assert sample(client, "backend_errors_total", backend="cache", operation="get_many") == 1

    deadline = time.monotonic() + 5
    while sample(client, "cache_down"):
        assert time.monotonic() < deadline
        time.sleep(0.02)  # and let the probe's thread work
    assert "fwd=miss; stored" in client.get("/tests/cached").headers["Cache-Status"]


def test_a_cache_that_is_off_is_not_measured(make_app: MakeApp) -> None:
    client = make_app(CACHE_URL="null://").test_client()
    client.get("/tests/cached")

    assert 'backend="cache"' not in client.get("/metrics").text
    assert sample(client, "cache_down") is None
