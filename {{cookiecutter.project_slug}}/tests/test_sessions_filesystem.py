"""Sessions in files: who may read them, when they are gone, and who tidies up."""

import fcntl
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from flask import session

from .conftest import PATIENCE, MakeApp
from .visitor import Visitor, look, nothing, pass_time


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a folder"


@pytest.fixture
def alice(make_app: MakeApp, folder: Path) -> Visitor:
    visitor = Visitor(make_app(SESSION_URL=folder.as_uri()))
    visitor.do(lambda: session.update(user="alice"))
    return visitor


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_only_the_service_may_read_the_files(alice: Visitor, folder: Path) -> None:
    (file,) = files(folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_an_untouched_session_leaves_its_file_alone(alice: Visitor, folder: Path) -> None:
    (file,) = files(folder)
    before = file.stat().st_mtime_ns
    alice.do(nothing)
    assert file.stat().st_mtime_ns == before
    alice.do(look)
    assert file.stat().st_mtime_ns > before


def test_an_ended_session_leaves_nothing_behind(alice: Visitor, folder: Path) -> None:
    alice.do(lambda: session.clear())
    assert files(folder) == []


def test_a_session_is_forgotten_after_its_lifetime_and_pruned(
    alice: Visitor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifetime = alice.app.permanent_session_lifetime.total_seconds()
    prune = alice.app.test_cli_runner().invoke
    pass_time(monkeypatch, seconds=lifetime - 5)
    assert "Removed 0 expired" in prune(args=["sessions", "prune"]).output
    pass_time(monkeypatch, seconds=10)
    assert alice.do(look) is None
    assert "Removed 1 expired" in prune(args=["sessions", "prune"]).output
    assert files(folder) == []


def test_prune_leaves_what_is_in_use_for_the_next_time(
    alice: Visitor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_time(monkeypatch, seconds=alice.app.permanent_session_lifetime.total_seconds() + 1)
    monkeypatch.setattr(PATIENCE, 0)
    (file,) = files(folder)
    lock = os.open(file.parent, os.O_RDONLY)
    prune = alice.app.test_cli_runner().invoke
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert "Removed 0 expired" in prune(args=["sessions", "prune"]).output
    os.close(lock)
    assert "Removed 1 expired" in prune(args=["sessions", "prune"]).output


def test_the_store_does_not_drop_the_old_for_the_new(alice: Visitor) -> None:
    interface: Any = alice.app.session_interface
    for number in range(600):
        interface.store.create(f"key{number:04}", b"{}")
    assert alice.do(look) == "alice"
    assert all(interface.store.load(f"key{number:04}") for number in range(600))
