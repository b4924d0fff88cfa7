"""Does it pay to keep entries of a Redis cache in the service's own memory, too: a near cache?

    python -m benchmarks.near_cache [WRITES]

Three ways to read a page of 8.7 kB, through the engine's own code, beside each other in one run:

* `engine`: what the engine does. One MGET reads the signed entry, its lease and two versions.
* `versions`: the process holds the entry, and one MGET asks whether its versions are the same.
* `pushed`: the process holds the entry until Redis says that a version changed (client tracking).
  A hit asks nobody. redis-py's own `cache_config` needs Redis 7.4, so this does it by hand.

A stale read is one that begins after another process's invalidation was acknowledged, and gets the
value from before.
"""

import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, cast

import redis
from flask import Flask

from benchmarks.report import table
from tests.host import answers, host
from tests.servers import Servers

ANSWERS = answers("redis", "cookie", "none")
KEY, TAGS, LIFETIME = "page", ("products",), 3600
SIZE = 8_700  # bytes of the page
PREFIX = "bench:"
CHANNEL = "__redis__:invalidate"
HEAD = ["", "µs a hit", "of them computing", "times as fast", "stale reads", "for at most"]


class Engine:
    near = False

    def __init__(self, entries: Any) -> None:
        self.entries = entries
        self.held: dict[str, Any] = {}  # in this process, by key

    def read(self) -> Any:
        entry, self.versions, _ = self.entries.read(KEY, TAGS)
        return entry

    def write(self, number: int) -> None:
        """Store the page with this number, as the request does that computed it."""
        entry = import_module("host.engine.caching.entries").Entry
        page = (number, b"x" * SIZE, [("Content-Type", "text/html; charset=utf-8")])
        self.entries.write(KEY, entry(page, time.time() + LIFETIME, self.versions), LIFETIME)


class Versions(Engine):
    near = True

    def read(self) -> Any:
        held = self.held.get(KEY)
        if held and held.ttl > 0:
            versions = self.entries.breaker.get_many(*held.versions)
            if versions == [*held.versions.values()]:
                return held
        if entry := super().read():
            self.held[KEY] = entry
        return entry


class Pushed(Engine):
    """A thread listens on a connection of its own for the names of versions that change."""

    near = True

    def __init__(self, entries: Any, url: str) -> None:
        super().__init__(entries)
        self.pushes, self.lock = 0, threading.Lock()
        self.listener = redis.Redis.from_url(url, protocol=2, single_connection_client=True)
        self.tracker = redis.Redis.from_url(url, protocol=2, single_connection_client=True)
        number = self.listener.client_id()
        self.connection = cast(Any, self.listener.connection)
        self.connection.send_command("SUBSCRIBE", CHANNEL)
        self.connection.read_response()
        # Redis pushes as long as this connection is open, too.
        self.tracker.client_tracking_on(number, prefix=[f"{PREFIX}tag:"], bcast=True)
        threading.Thread(target=self._listen, daemon=True).start()

    def read(self) -> Any:
        held = self.held.get(KEY)
        if held and held.ttl > 0:
            return held
        before = self.pushes
        entry = super().read()
        with self.lock:
            if entry and before == self.pushes:  # otherwise it may be from before a change
                self.held[KEY] = entry
        return entry

    def _listen(self) -> None:
        with suppress(redis.ConnectionError, ValueError, OSError):  # the benchmark is over
            while True:
                *_, names = self.connection.read_response(timeout=None)
                with self.lock:
                    self.pushes += 1
                    for key, entry in [*self.held.items()]:
                        if any(name.decode() in entry.versions for name in names):
                            del self.held[key]


def hits(way: Engine, count: int = 500) -> tuple[float, float]:
    """Microseconds that a hit takes, and those of them that the process computes."""
    begun, computed = time.perf_counter(), time.process_time()
    for _ in range(count):
        assert way.read()
    taken = time.perf_counter() - begun, time.process_time() - computed
    return taken[0] / count * 1e6, taken[1] / count * 1e6


def stale_reads(way: Engine, number: int, invalidate: Callable[[], object]) -> tuple[bool, float]:
    """Whether the read after a write is stale, and for how many milliseconds reads are."""
    way.read()
    way.write(number)
    while way.near and not way.held:
        time.sleep(0.001)  # the push about the new version is still under way
        way.read()
    invalidate()
    begun, reads = time.perf_counter(), 0
    while way.read():
        reads += 1
    return reads > 0, (time.perf_counter() - begun) * 1000 if reads else 0.0


@contextmanager
def engine(url: str) -> Iterator[Any]:
    """The entries of a cache of the engine, as it lies in the template."""
    sys.dont_write_bytecode = True  # it would be in the template
    with tempfile.TemporaryDirectory() as folder:
        host(Path(folder), ANSWERS)
        sys.path.insert(0, folder)
        cache, app = import_module("host.engine.caching").Cache(), Flask("host")
        app.config.update(SECRET_KEY="of the benchmark" * 2, CACHE_URL=url, CACHE_KEY_PREFIX=PREFIX)
        cache.init_app(app)
        with app.app_context():
            yield cache.backend.entries


def write_on_request(pipe: Connection, url: str) -> None:
    """In another process: invalidate the page each time that the reader says so."""
    with engine(url) as entries:
        while pipe.recv():
            entries.invalidate(*TAGS)
            pipe.send("acknowledged")


def compare(
    ways: dict[str, Engine], writes: int, invalidate: Callable[[], object]
) -> Iterator[list[str]]:
    """The rows of the table."""
    rounds = [{name: hits(way) for name, way in ways.items()} for _ in range(9)]
    for name, way in ways.items():
        taken, computing = (median(turn[name][part] for turn in rounds) for part in (0, 1))
        ratio = median(turn["engine"][0] / turn[name][0] for turn in rounds)
        seen = [stale_reads(way, number, invalidate) for number in range(writes)]
        stale, longest = sum(was for was, _ in seen), max(lasted for _, lasted in seen)
        speed = [f"{taken:.1f}", f"{computing:.1f}", f"{ratio:.1f}"]
        yield [f"`{name}`", *speed, f"{stale:,} of {writes:,}", f"{longest:.0f} ms"]


def main(writes: int = 10_000) -> None:
    with Servers() as servers, servers.environment(ANSWERS, "unused") as urls:
        url = urls["CACHE_URL"]
        ours, theirs = multiprocessing.Pipe()
        writer = multiprocessing.Process(target=write_on_request, args=(theirs, url), daemon=True)
        writer.start()

        def invalidate() -> None:
            ours.send(True)
            ours.recv()

        with engine(url) as entries:
            ways = {
                "engine": Engine(entries),
                "versions": Versions(entries),
                "pushed": Pushed(entries, url),
            }
            ways["engine"].read()
            ways["engine"].write(0)
            print(table(HEAD, compare(ways, writes, invalidate)))
        ours.send(False)
        writer.join()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
