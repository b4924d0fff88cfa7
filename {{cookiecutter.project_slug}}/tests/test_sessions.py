"""The promises of the sessions package, on the store of SESSION_URL."""

import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import (
    Flask,
    Response,
    abort,
    after_this_request,
    flash,
    get_flashed_messages,
    session,
)
from flask.testing import FlaskClient
from markupsafe import Markup

from . import sessions
from .conftest import MakeApp
from .visitor import Visitor, both, everything, logout, look, nothing, pass_time, sample


class Counted:
    """A store that notes what it is asked."""

    def __init__(self, app: Flask) -> None:
        interface: Any = app.session_interface
        self.store, interface.store = interface.store, self
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in ("load", "create", "replace", "delete"):
            self.calls.append(name)
        return getattr(self.store, name)

    def of(self, work: Callable[[], object]) -> list[str]:
        """The operations during the work."""
        self.calls.clear()
        work()
        return self.calls.copy()


def stored(visitor: Visitor) -> object:
    interface: Any = visitor.app.session_interface
    return interface.store.load(interface._get_store_id(visitor.sid))


@contextmanager
def failing(operation: str, app: Flask) -> Iterator[None]:
    """The store fails at it until the end of the block."""
    interface: Any = app.session_interface

    def fail(*_: object) -> None:
        raise interface.store.errors[0]("of a test")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interface.store, operation, fail, raising=False)
        yield


@pytest.fixture
def service(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def alice(service: Flask) -> Visitor:
    """Someone with a session."""
    visitor = Visitor(service)
    visitor.do(lambda: session.update(user="alice", cart={"1": 1}))
    return visitor


# Lazy


def test_a_request_costs_what_it_uses(alice: Visitor) -> None:
    count = Counted(alice.app)

    assert count.of(lambda: alice.do(nothing)) == []
    assert count.of(lambda: alice.do(everything)) == ["load"]
    assert count.of(lambda: alice.do(lambda: session.update(x=1))) == ["load", "replace"]
    assert count.of(lambda: alice.do(logout)) == ["delete"]
    assert count.of(lambda: alice.do(everything)) == []
    assert count.of(lambda: alice.do(lambda: session.update(x=1))) == ["create"]


def test_errors_static_files_and_public_pages_cost_nothing(alice: Visitor) -> None:
    count = Counted(alice.app)
    for path in ("/missing", "/static/missing.css", "/livez", "/tests/cached", "/tests/cached"):
        response = alice.client.get(path)
        assert "Set-Cookie" not in response.headers
        assert "Cookie" not in response.vary
    assert count.calls == []


def test_an_untouched_session_leaves_no_mark_on_the_answer(alice: Visitor) -> None:
    response = alice.request(nothing)
    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.vary


def test_a_touched_session_varies_by_cookie_and_does_not_send_it_again(alice: Visitor) -> None:
    for view in (everything, lambda: session.update(x=1)):
        response = alice.request(view)
        assert "Set-Cookie" not in response.headers
        assert "Cookie" in response.vary


def test_nobody_gets_a_session_by_reading_one(service: Flask) -> None:
    visitor = Visitor(service)
    response = visitor.request(look)
    assert visitor.cookie is None
    assert "Cookie" in response.vary


def test_the_cookie_is_renewed_before_it_runs_out_and_not_each_time(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = alice.cookie
    lifetime = alice.app.permanent_session_lifetime.total_seconds()
    pass_time(monkeypatch, seconds=0.09 * lifetime)
    assert "Set-Cookie" not in alice.request(look).headers
    pass_time(monkeypatch, seconds=0.02 * lifetime)
    assert "Set-Cookie" not in alice.request(nothing).headers
    assert f"Max-Age={lifetime:.0f}" in alice.request(look).headers["Set-Cookie"]
    assert alice.cookie != first
    assert "Set-Cookie" not in alice.request(look).headers
    assert alice.do(look) == "alice"
    pass_time(monkeypatch, seconds=-0.02 * lifetime)  # whoever sent it had a wrong clock
    assert "Set-Cookie" in alice.request(look).headers


def test_a_renewal_that_fails_is_put_off(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    pass_time(monkeypatch, seconds=0.2 * alice.app.permanent_session_lifetime.total_seconds())
    with failing("replace", alice.app):
        assert alice.do(look) == "alice"
        assert "Set-Cookie" not in alice.request(look).headers
    assert "Set-Cookie" in alice.request(look).headers


def test_a_late_renewal_does_not_take_the_place_of_a_newer_cookie(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_time(monkeypatch, seconds=0.2 * alice.app.permanent_session_lifetime.total_seconds())
    late = alice.twin()
    before = late.cookie
    with late.slowly(look, nothing):
        alice.do(sessions.regenerate)
    assert late.cookie == before


def test_to_say_how_long_it_lives_begins_no_session(service: Flask) -> None:
    @service.before_request
    def stay() -> None:
        session.permanent = True

    robot = Visitor(service)
    count = Counted(service)
    assert count.of(lambda: robot.do(nothing)) == []
    assert robot.cookie is None


# Nothing lost


def test_parallel_requests_that_change_different_keys_all_survive(alice: Visitor) -> None:
    together = threading.Barrier(20)

    def meet() -> None:
        session.get("user")
        together.wait(5)

    def change(number: int) -> None:
        def put() -> None:
            session[f"key{number}"] = number
            session["cart"][f"product{number}"] = 1

        visitor = alice.twin()
        if visitor.request(both(meet, put)).status_code == 503:  # on a machine that is too busy
            visitor.do(put)

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(change, range(20)))

    kept = alice.do(everything)
    assert {f"key{number}": number for number in range(20)}.items() <= kept.items()
    assert kept["cart"] == {"1": 1, **{f"product{number}": 1 for number in range(20)}}


def test_a_dict_that_two_requests_begin_holds_what_both_put_in(alice: Visitor) -> None:
    with alice.twin().slowly(look, lambda: session.update(seen={"a": 1})):
        alice.do(lambda: session.update(seen={"b": 2}))
    assert alice.do(lambda: session["seen"]) == {"a": 1, "b": 2}


def test_a_dict_that_one_request_changes_and_another_removes_is_whole_or_gone(
    alice: Visitor,
) -> None:
    def change() -> None:
        session["cart"]["2"] = 1

    def remove() -> None:
        del session["cart"]

    with alice.twin().slowly(look, change):
        alice.do(remove)
    assert alice.do(everything) == {"user": "alice", "cart": {"1": 1, "2": 1}}
    with alice.twin().slowly(look, remove):
        alice.do(change)
    assert alice.do(everything) == {"user": "alice"}


def test_equal_values_of_different_types_are_a_change(alice: Visitor) -> None:
    def kinds() -> list[str]:
        return [type(session[key]).__name__ for key in ("flag", "text")]

    alice.do(lambda: session.update(flag=1, text="<b>"))
    with alice.twin().slowly(look, lambda: session.update(flag=True, text=Markup("<b>"))):
        alice.do(lambda: session.update(other=1))
    assert alice.do(kinds) == ["bool", "Markup"]


def test_a_copy_is_nobodys_session(alice: Visitor) -> None:
    alice.do(lambda: session.copy().clear())  # type: ignore[attr-defined]
    assert alice.do(look) == "alice"


def test_an_empty_dict_is_kept_and_removed_like_any_other(alice: Visitor) -> None:
    alice.do(lambda: session.update(old={}))
    with alice.twin().slowly(look, lambda: session.update(mine={})):
        alice.do(lambda: [session.pop("old"), session.update(theirs={})])
    assert alice.do(everything) == {"user": "alice", "cart": {"1": 1}, "mine": {}, "theirs": {}}


def test_a_save_that_never_succeeds_ends(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    interface: Any = alice.app.session_interface
    monkeypatch.setattr(interface.store, "replace", lambda *_: False)
    assert alice.request(lambda: session.update(user="bob")).status_code == 503


def test_of_two_values_for_one_key_the_later_save_wins(alice: Visitor) -> None:
    with alice.twin().slowly(look, lambda: session.update(user="later", other=[2])):
        alice.do(lambda: session.update(user="earlier", other=[1]))
    assert alice.do(lambda: [session["user"], session["other"]]) == ["later", [2]]


def test_what_one_request_removed_another_that_kept_it_does_not_bring_back(alice: Visitor) -> None:
    with alice.twin().slowly(look, lambda: session["cart"].update({"2": 1})):
        alice.do(lambda: [session.pop("user"), session["cart"].pop("1")])
    assert alice.do(everything) == {"cart": {"2": 1}}


def test_a_change_deep_inside_is_saved(alice: Visitor) -> None:
    alice.do(lambda: session.update(deep=[{"list": []}]))
    alice.do(lambda: session["deep"][0]["list"].append("found"))
    assert alice.do(lambda: session["deep"]) == [{"list": ["found"]}]


def test_a_change_after_the_view_is_saved(alice: Visitor) -> None:
    def note(response: Response) -> Response:
        session["noted"] = True
        return response

    def view() -> None:
        after_this_request(note)

    alice.do(view)
    assert alice.do(lambda: session["noted"]) is True


def test_an_error_of_the_view_does_not_lose_what_it_saved(alice: Visitor) -> None:
    def view() -> None:
        session["tries"] = 1
        abort(403)

    assert alice.request(view).status_code == 403
    assert alice.do(lambda: session["tries"]) == 1


def test_a_session_survives_a_restart_of_the_service(alice: Visitor, make_app: MakeApp) -> None:
    assert Visitor(make_app(), alice.cookie).do(look) == "alice"


# No resurrection


def test_a_request_in_flight_does_not_bring_an_ended_session_back(alice: Visitor) -> None:
    def write() -> None:
        session["cart"]["2"] = 1
        session["seen"] = True

    for view in (look, write):
        alice.do(lambda: session.update(user="alice", cart={}))
        thief = alice.twin()
        with alice.twin().slowly(look, view):
            assert "Max-Age=0" in alice.request(logout).headers["Set-Cookie"]
        assert thief.do(everything) == {}


def test_a_request_that_comes_too_late_does_not_take_the_cookie_away(alice: Visitor) -> None:
    """It may be that of a new session by now."""
    late = alice.twin()
    with late.slowly(look, lambda: session.update(seen=True)):
        alice.do(logout)
    assert late.cookie


def test_logout_with_a_message_ends_the_session_too(alice: Visitor) -> None:
    thief = alice.twin()
    alice.do(both(logout, lambda: flash("Goodbye")))
    assert thief.do(everything) == {}
    assert alice.do(get_flashed_messages) == ["Goodbye"]


def test_what_is_regenerated_after_a_logout_is_not_the_ended_session(alice: Visitor) -> None:
    slow = alice.twin()
    with slow.slowly(look, both(lambda: session.update(new=True), sessions.regenerate)):
        alice.do(logout)
    assert slow.do(everything) == {"new": True}


# No fixation


@pytest.mark.parametrize(
    "cookie",
    ["a" * 43 + ".18bcfe56800", "a" * 43, "x" * 10_000, "../../etc/passwd", "..%2f..%2f", "é", "*"],
)
def test_an_id_from_elsewhere_is_never_adopted(service: Flask, cookie: str) -> None:
    victim = Visitor(service)
    victim.client = service.test_client(use_cookies=False)
    headers = {"Cookie": f"{victim.name}={cookie}"}

    assert victim.request(everything, headers=headers).json == {}
    answer = victim.request(lambda: session.update(user="victim"), headers=headers)
    assert answer.status_code == 200
    assert cookie not in answer.headers["Set-Cookie"]
    assert victim.request(everything, headers=headers).json == {}


def test_regenerate_moves_the_session_and_the_old_id_dies(alice: Visitor) -> None:
    old = alice.twin()
    alice.do(both(lambda: session.update(role="admin"), sessions.regenerate))
    assert alice.cookie != old.cookie
    assert alice.do(everything) == {"user": "alice", "cart": {"1": 1}, "role": "admin"}
    assert old.do(everything) == {}
    assert stored(old) is None


def test_a_session_that_holds_nothing_is_moved_too(alice: Visitor) -> None:
    alice.do(lambda: [session.pop(key) for key in [*session]])
    thief = alice.twin()
    alice.do(both(sessions.regenerate, lambda: session.update(user="alice")))
    assert alice.do(look) == "alice"
    assert thief.do(look) is None


def test_regenerate_takes_along_what_others_save_until_then(alice: Visitor) -> None:
    slow = alice.twin()
    with slow.slowly(look, sessions.regenerate):
        alice.do(lambda: session["cart"].update({"2": 1}))
    assert slow.do(lambda: session["cart"]) == {"1": 1, "2": 1}
    assert alice.do(everything) == {}


def test_what_others_save_after_regenerate_stays_out(alice: Visitor) -> None:
    old = alice.twin()
    with old.slowly(look, lambda: session.update(user="mallory")):
        alice.do(sessions.regenerate)
    assert alice.do(look) == "alice"
    assert old.do(everything) == {}


@pytest.mark.parametrize("operation", ["create", "replace"])
def test_a_move_that_fails_leaves_the_session_where_it_was(alice: Visitor, operation: str) -> None:
    with failing(operation, alice.app):
        answer = alice.request(both(sessions.regenerate, lambda: session.update(user="bob")))
    assert answer.status_code == 503
    assert alice.do(everything) == {"user": "alice", "cart": {"1": 1}}


def test_a_session_that_cannot_be_stored_is_not_moved(make_app: MakeApp) -> None:
    alice = Visitor(make_app(PROPAGATE_EXCEPTIONS=False))
    alice.do(lambda: session.update(user="alice", deep=[]))
    answer = alice.request(both(sessions.regenerate, lambda: session["deep"].append(object())))
    assert answer.status_code == 500
    assert alice.do(everything) == {"user": "alice", "deep": []}


def test_an_old_id_that_cannot_be_deleted_is_dead_all_the_same(alice: Visitor) -> None:
    old = alice.twin()
    with failing("delete", alice.app):
        alice.do(sessions.regenerate)
    assert alice.do(look) == "alice"
    assert old.do(everything) == {}


def test_a_move_of_what_another_request_ended_brings_nothing_back(alice: Visitor) -> None:
    slow = alice.twin()
    with slow.slowly(look, sessions.regenerate):
        count = Counted(alice.app)
        alice.do(logout)
    assert slow.cookie  # which may be a newer one by now
    assert slow.do(everything) == {}
    assert count.calls.count("create") + 1 == count.calls.count("delete")


def test_the_store_does_not_know_the_cookies(alice: Visitor) -> None:
    interface: Any = alice.app.session_interface
    assert alice.sid not in interface._get_store_id(alice.sid)
    assert interface.store.load(alice.sid) is None
    assert stored(alice)


# No pickle


class Exploit:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_poisoned_store_runs_nothing_and_breaks_nothing(alice: Visitor, tmp_path: Path) -> None:
    proof = tmp_path / "run"
    interface: Any = alice.app.session_interface
    poisons = [pickle.dumps(Exploit(proof), protocol) for protocol in range(6)]
    poisons += [b"\x00", b"\xff\xfe", b"[]", b"1", b'"user"', b"[" * 100_000, b'{"x":{" u":1}}']
    for poison in poisons:
        alice.do(lambda: session.update(user="alice"))
        key = interface._get_store_id(alice.sid)
        assert interface.store.replace(key, stored(alice), poison)

        assert alice.do(everything) == {}
        alice.do(lambda: session.update(user="alice"))
        assert alice.do(look) == "alice"
    assert not proof.exists()
    pickle.loads(poisons[0])  # noqa: S301
    assert proof.exists()  # where pickle is asked


KEPT = [
    (1, ("nested", [b"\x00\xff"])),
    {"1": 1, 1: "one", (2, 3): {4: 5}},
    {" u": "not a UUID"},
    {1, "two", (3, 4)},
    b"\x00\xff",
    Markup("<b>bold</b>"),
    UUID("12345678123456781234567812345678"),
    datetime(2024, 2, 29, 12, 30, 15, 123456),
    datetime(2024, 2, 29, 12, 30, 15, 123456, UTC),
    datetime(2024, 2, 29, 12, 30, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    date(2024, 2, 29),
    Decimal("1.10"),
    2**200,
    -0.1,
    "snow \N{SNOWMAN} \ud800",
    None,
    True,
]


def test_what_was_put_in_comes_out_of_the_same_type(service: Flask) -> None:
    visitor = Visitor(service)
    visitor.do(lambda: session.update(kept=KEPT))
    found: list[Any] = []
    visitor.do(lambda: found.extend(session["kept"]))
    assert found == KEPT
    assert [type(value) for value in found] == [type(value) for value in KEPT]
    assert list(found[1]) == list(KEPT[1])  # type: ignore[call-overload]
    count = Counted(service)
    assert count.of(lambda: visitor.do(look)) == ["load"]  # it is the same text, too


def test_a_flashed_message_keeps_its_markup(alice: Visitor) -> None:
    alice.do(lambda: flash(Markup("<b>Saved</b>")))
    assert alice.do(lambda: type(get_flashed_messages()[0]).__name__) == "Markup"


@pytest.mark.parametrize("value", [object(), 1j, {"a": [frozenset()]}, [10**5000]])
def test_what_cannot_be_stored_is_an_error_where_it_is_stored(
    alice: Visitor, value: object
) -> None:
    def view() -> None:
        with pytest.raises(TypeError, match="A session cannot hold"):
            session["user"] = value

    alice.do(view)
    assert alice.do(look) == "alice"


def test_what_is_found_at_the_save_only_is_an_error_page_like_any_other(make_app: MakeApp) -> None:
    visitor = Visitor(make_app(PROPAGATE_EXCEPTIONS=False))
    visitor.do(lambda: session.update(deep=[]))
    refusal = visitor.request(lambda: session["deep"].append(object()))
    assert refusal.status_code == 500
    assert "Content-Security-Policy" in refusal.headers
    assert visitor.do(lambda: session["deep"]) == []


# Unavailable


def test_an_error_page_that_needs_the_session_does_without(service: Flask) -> None:
    service.context_processor(lambda: {"user": session.get("user")})
    visitor = Visitor(service, "a" * 43)
    with failing("load", service):
        refusal = visitor.request(look)
        assert refusal.status_code == 503
        assert int(refusal.headers["Retry-After"]) > 0
        assert "Your session is out of reach" in refusal.text
        assert visitor.client.get("/missing").status_code == 404


def test_what_looks_into_the_session_after_the_view_is_unavailable_too(make_app: MakeApp) -> None:
    service = make_app(PROPAGATE_EXCEPTIONS=False)

    @service.after_request
    def name(response: Response) -> Response:
        response.headers["X-User"] = str(session.get("user"))
        return response

    with failing("load", service):
        refusal = Visitor(service, "a" * 43).request(nothing)
    assert refusal.status_code == 503
    assert int(refusal.headers["Retry-After"]) > 0
    assert "Your session is out of reach" in refusal.text


# Cookies


def test_a_response_that_takes_the_place_of_another_has_the_cookie(service: Flask) -> None:
    service.after_request(lambda response: Response(response.data, mimetype=response.mimetype))
    visitor = Visitor(service)
    visitor.do(lambda: session.update(user="alice"))
    assert visitor.do(look) == "alice"


def test_the_page_of_an_error_after_the_view_has_the_cookie(make_app: MakeApp) -> None:
    service = make_app(PROPAGATE_EXCEPTIONS=False)
    alice = Visitor(service)

    @service.after_request
    def fail(response: Response) -> Response:
        if response.status_code == 200 and "Set-Cookie" in response.headers:
            raise RuntimeError
        return response

    assert alice.request(lambda: session.update(user="alice")).status_code == 500
    assert alice.do(look) == "alice"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(service: Flask) -> None:
    headers = Visitor(service).request(lambda: session.update(x=1)).headers
    (cookie,) = headers.getlist("Set-Cookie")
    assert cookie.startswith("session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_in_production_the_cookie_is_bound_to_the_host_and_to_tls(make_app: MakeApp) -> None:
    visitor = Visitor(make_app(APP_ENV="production", SECRET_KEY="k" * 32))
    for view in (lambda: session.update(x=1), logout):
        cookie = visitor.request(view).headers["Set-Cookie"]
        assert cookie.startswith("__Host-session=")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


# Upkeep


def test_what_has_not_expired_is_not_pruned(alice: Visitor) -> None:
    result = alice.app.test_cli_runner().invoke(args=["sessions", "prune"])
    assert result.exit_code == 0
    assert alice.do(look) == "alice"


def test_services_of_one_process_share_the_store(alice: Visitor, make_app: MakeApp) -> None:
    other = Visitor(make_app(), alice.cookie)
    other.do(lambda: session.update(seen=True))
    assert alice.do(lambda: session["seen"]) is True


def test_a_store_that_is_busy_is_pruned_another_time(service: Flask) -> None:
    with failing("prune", service):
        result = service.test_cli_runner().invoke(args=["sessions", "prune"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: The session store is busy")


# Metrics


def test_what_requests_ask_of_the_session_store_is_timed_and_what_fails_is_counted(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    interface: Any = client.application.session_interface
    client.get("/readyz")
    client.post("/tests/note", data={"note": "text"})
    client.get("/tests/note")

    for operation in ("create", "load"):
        asked = {"backend": "sessions", "operation": operation}
        assert sample(client, "backend_seconds_count", **asked) == 1
        assert sample(client, "backend_errors_total", **asked) == 0

    def fail(*_: object) -> None:
        raise interface.store.errors[0]("of a test")

    monkeypatch.setattr(interface.store._backend, "load", fail)
    client.get("/tests/note")
    assert sample(client, "backend_errors_total", backend="sessions", operation="load") == 1
