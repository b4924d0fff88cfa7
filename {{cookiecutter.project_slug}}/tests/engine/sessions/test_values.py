"""No pickle, and no value that comes back as another type."""

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, flash, get_flashed_messages, session
from markupsafe import Markup

from ..visitor import Visitor, everything, look
from .conftest import MakeApp
from .store import Counted, key, store_of, stored

pytestmark = pytest.mark.usefixtures("patient")


class Exploit:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_poisoned_store_runs_nothing_and_breaks_nothing(alice: Visitor, tmp_path: Path) -> None:
    proof = tmp_path / "run"
    poisons = [pickle.dumps(Exploit(proof), protocol) for protocol in range(6)]
    poisons += [b"\x00", b"\xff\xfe", b"[]", b"1", b'"user"', b"[" * 100_000, b'{"x":{" u":1}}']
    for poison in poisons:
        alice.do(lambda: session.update(user="alice"))
        assert store_of(alice.app).replace(key(alice), stored(alice), poison)

        assert alice.do(everything) == {}
        alice.do(lambda: session.update(user="alice"))
        assert alice.do(look) == "alice"
    assert not proof.exists()
    pickle.loads(poisons[0])  # noqa: S301
    assert proof.exists()  # so it would have, had anybody unpickled it


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


def test_what_was_put_in_comes_out_of_the_same_type(app: Flask) -> None:
    visitor = Visitor(app)
    visitor.do(lambda: session.update(kept=KEPT))
    found: list[Any] = []
    visitor.do(lambda: found.extend(session["kept"]))
    assert found == KEPT
    assert [type(value) for value in found] == [type(value) for value in KEPT]
    assert list(found[1]) == list(KEPT[1])  # type: ignore[call-overload]
    count = Counted(app)
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
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    app.register_error_handler(500, lambda _: (f"an error page for {session.get('user')}", 500))
    visitor = Visitor(app)
    visitor.do(lambda: session.update(user="alice", deep=[]))
    refusal = visitor.request(lambda: session["deep"].append(object()))
    assert refusal.status_code == 500
    assert refusal.text == "an error page for alice"
    assert visitor.do(lambda: session["deep"]) == []
