"""Nothing executable from the network: entries are signed, each for its own key."""

import pickle
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from ..hub import caching
from .conftest import MakeApp
from .support import Count, Entries, cache, entries, store

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


sealing: Any = import_module(f"{caching.__name__}.sealing")


def test_other_code_reads_no_entry_but_invalidates_it(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    old = entries_of(app).sealer.release

    def as_release(release: bytes, act: Callable[[], object]) -> object:
        entries_of(app).sealer.release = release
        with app.app_context():
            return act()

    def ask(release: bytes, value: str) -> object:
        return as_release(release, lambda: cache.remember("key", lambda: value, tags=("products",)))

    assert [ask(old, "1"), ask(b"another.", "2"), ask(b"another.", "3")] == ["1", "2", "2"]
    for invalidate in (lambda: cache.invalidate("products"), lambda: cache.delete("key")):
        assert [ask(old, "4"), ask(old, "5")] == ["4", "4"]
        as_release(b"another.", invalidate)
        assert ask(old, "6") == "6"
        as_release(old, lambda: cache.delete("key"))
    assert caplog.messages == []


def entries_of(app: Flask) -> Entries:
    with app.app_context():
        return entries()


def test_a_release_is_the_code_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def release(place: str, **files: str) -> bytes:
        package = tmp_path / place / "released"
        package.mkdir(parents=True)
        for name, text in files.items():
            (package / name.replace("_", ".", 1)).write_text(text)
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "released", ModuleType("released"))
            patch.setattr(sys.modules["released"], "__file__", str(package / "init.py"), False)
            patch.setattr(sys.modules["released"], "__path__", [str(package)], False)
            sealing.release_of.cache_clear()
            found: bytes = sealing.release_of("released")
            return found

    code = {"init_py": "x = 1", "page_html": "<p>"}
    assert release("one", **code) == release("two", **code)
    others = [{**code, "init_py": "x = 2"}, {**code, "page_html": "<b>"}, {**code, "new_py": ""}]
    releases = {release(f"other {number}", **files) for number, files in enumerate(others)}
    assert len(releases | {release("three", **code)}) == 4
