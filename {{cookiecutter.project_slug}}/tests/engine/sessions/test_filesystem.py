"""Sessions in files: who may read them, when they are gone, and what `prune` does meanwhile."""

import fcntl
import os
import stat
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ..hub import stores
from ..visitor import Visitor, logout, look, nothing, pass_time
from .store import store_of

pytestmark = pytest.mark.usefixtures("patient")
filesystem: Any = import_module(".filesystem", stores.__name__)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_only_the_service_may_read_the_files(alice: Visitor, folder: Path) -> None:
    alice.do(look)
    (file,) = files(folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    url = (tmp_path / "a folder").as_uri()
    store = stores.open_store(url, 60)
    store.create("key", b"data")
    assert files(tmp_path / "a folder")


def test_an_untouched_session_leaves_its_file_alone(alice: Visitor, folder: Path) -> None:
    (file,) = files(folder)
    before = file.stat().st_mtime_ns
    alice.do(nothing)
    assert file.stat().st_mtime_ns == before
    alice.do(look)
    assert file.stat().st_mtime_ns > before


def test_an_ended_session_leaves_nothing_behind(alice: Visitor, folder: Path) -> None:
    alice.do(logout)
    assert files(folder) == []


def test_a_session_is_forgotten_after_its_lifetime_and_pruned(
    alice: Visitor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifetime = alice.app.permanent_session_lifetime.total_seconds()
    prune = store_of(alice.app).prune
    pass_time(monkeypatch, seconds=lifetime - 5)
    assert prune() == 0
    pass_time(monkeypatch, seconds=10)
    assert alice.do(look) is None
    assert prune() == 1
    assert files(folder) == []


def test_the_last_of_the_disk_is_for_the_sessions_that_exist(
    alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(alice.app)
    free = os.statvfs(store._root).f_bavail * os.statvfs(store._root).f_frsize
    for reserve, used in ((free // 2, 0.0), (free * 2, 1.0)):
        monkeypatch.setattr(filesystem, "RESERVE", reserve)
        assert store.used() == used


def test_prune_leaves_what_is_in_use_for_the_next_time(
    alice: Visitor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_time(monkeypatch, seconds=alice.app.permanent_session_lifetime.total_seconds() + 1)
    monkeypatch.setattr(filesystem, "PATIENCE", 0)
    (file,) = files(folder)
    lock = os.open(file.parent, os.O_RDONLY)
    prune = store_of(alice.app).prune
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert prune() == 0
    os.close(lock)
    assert prune() == 1


def test_the_store_does_not_drop_the_old_for_the_new(alice: Visitor, folder: Path) -> None:
    store = store_of(alice.app)
    for number in range(510):  # cachelib would drop a third of 500
        store.create(f"key{number:04}", b"{}")
    assert alice.do(look) == "alice"
    assert len(files(folder)) == 511
