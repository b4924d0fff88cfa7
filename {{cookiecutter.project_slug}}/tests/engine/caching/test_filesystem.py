"""The cache in files: closed to other users, bounded, and free of what has expired."""

import fcntl
import os
import stat
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from ..hub import caching
from ..waiting import Stopwatch
from .support import Count, cache, entries, pass_time, serve

filesystem: Any = import_module(f"{caching.__name__}.stores.filesystem")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_only_the_service_may_read_the_files(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        cache.set("key", "value")
    for path in (tmp_path / "cache").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_somebody_who_keeps_a_lock_makes_nobody_wait_long(app: Flask, tmp_path: Path) -> None:
    client, _ = serve(app, lambda: "page")
    client.get("/page")
    with app.app_context():
        cache.clear()
    locks = [os.open(folder, os.O_RDONLY) for folder in (tmp_path / "cache").glob("??")]
    for lock in locks:
        fcntl.flock(lock, fcntl.LOCK_EX)

    with Stopwatch() as watch:
        assert [client.get("/page").text for _ in range(10)] == ["page"] * 10
    assert watch.seconds < 3  # one wait of 0.4 s
    for lock in locks:
        os.close(lock)


def test_what_has_expired_goes_without_a_write(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "SWEEP_EVERY", 1)
    with app.app_context():
        cache.set_many({f"key {number}": "value" for number in range(50)}, timeout=60)
        values = [entries().name("value", f"key {number}") for number in range(50)]
        store = entries().breaker.backend
        pass_time(monkeypatch, 61)
        for _ in range(filesystem.FOLDERS):
            store.get_many("another")
        assert store.get_many(*values) == [None] * 50
    assert max(path.stat().st_size for path in files(tmp_path / "cache")) <= filesystem.SMALL


def test_the_files_are_bounded_and_the_oldest_go_first(tmp_path: Path) -> None:
    store = filesystem.Store(tmp_path, 300, limit=filesystem.FOLDERS * 50_000)
    store.set("version", b"12345678", 60)
    for number in range(2000):
        store.set(str(number), bytes(20_000), 60)
    assert store.stats()["memory"] < 1.5 * store.limit
    assert store.get_many("0", "1999", "version") == [None, bytes(20_000), b"12345678"]


def test_a_reader_knows_a_new_file_from_the_one_before(tmp_path: Path) -> None:
    one, other = filesystem.Store(tmp_path, 300), filesystem.Store(tmp_path, 300)
    for number in range(3000):  # of one size, many of them within a tick of the system's clock
        value = f"{number:04}".encode()
        one.delete_many("key")
        one.set("key", value, 60)
        assert other.get_many("key") == [value]


def test_a_service_goes_on_when_its_folder_cannot_be_written(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    count = Count(lambda: "value")
    with app.app_context():
        assert [cache.remember("key", count) for _ in range(2)] == ["value"] * 2
        with pytest.raises(OSError):  # noqa: PT011
            cache.ping()
    assert count.calls == 2
