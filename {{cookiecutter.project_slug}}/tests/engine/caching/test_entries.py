"""Nothing executable from the network: entries are signed, each for its own key."""

import pickle
from typing import Any

import pytest
from flask import Flask

from .conftest import MakeApp
from .support import Count, cache, entries, store

pytestmark = pytest.mark.usefixtures("patient")


class Exploit:
    ran = False

    def __reduce__(self) -> tuple[Any, ...]:
        return setattr, (Exploit, "ran", True)


def test_a_value_that_somebody_else_wrote_is_never_decoded(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        cache.set("key", "mine")
        forged = store().get_many(entries().name("value", "key"))[0][:32]
        store().set(entries().name("value", "key"), forged + pickle.dumps(Exploit()), 60)
        assert cache.get("key") is None
        assert cache.get("key") is None
    assert not Exploit.ran
    assert len([record for record in caplog.records if "ignored" in record.message]) == 1


def test_an_entry_counts_under_its_own_key_only(app: Flask) -> None:
    with app.app_context():
        cache.set("mine", "value")
        [sealed] = store().get_many(entries().name("value", "mine"))
        store().set(entries().name("value", "yours"), sealed, 60)
        assert (cache.get("mine"), cache.get("yours")) == ("value", None)


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
        monkeypatch.delattr(f"{Count.__module__}.Count")
        assert cache.get("key") is None
