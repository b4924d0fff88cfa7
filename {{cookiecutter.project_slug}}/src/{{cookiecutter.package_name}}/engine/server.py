"""Serves an app with Granian, in workers that this process watches and replaces.

Granian's own parent process gives each worker a queue of connections, which dies with the worker.
Here the workers share one queue: what one of them leaves there, another one answers.
"""

import ctypes
import gc
import logging
import mmap
import multiprocessing
import os
import random
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import granian.wsgi
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels
from prometheus_client import CollectorRegistry, start_http_server, values
from prometheus_client.multiprocess import MultiProcessCollector

BACKLOG = 2048  # connections that wait until a worker accepts them
CONNECTIONS = 1024  # that a worker accepts, also those that do not ask anything
HEADERS = 64 * 1024  # bytes: a head of a request that is much larger is refused
SETTLE = 0.2  # seconds in which those whom Granian accepted last send their request
HANDSHAKES = 0.1  # seconds for those under way when the service stops
TICK = 0.5  # seconds between two looks at the workers
SIGNALS = {signal.SIGTERM, signal.SIGINT}
FOREVER = float("inf")
# For Linux: a filter that drops the packets which ask for a connection (SYN without ACK).
SO_ATTACH_FILTER = 26
STEPS = (0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (6, 0, 0, 0), (6, 0, 0, 0xFFFF)

library: Any = granian  # with its private names: it prepares a worker, and this module watches it
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Of each worker; all but `threads` are seconds."""

    threads: int
    keepalive: float  # until a connection without a request is closed
    grace: float  # that running requests have when the worker stops
    hung: float  # until a worker that does nothing is killed
    lifetime: float  # until one of several workers is replaced


@contextmanager
def _naming(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise SystemExit(f"{what} cannot be used: {reason}.") from None


def listen(host: str, port: int, path: str = "") -> socket.socket:
    """A socket of a port, or of a file. Raises SystemExit with a sentence if it is taken."""
    with _naming(path or f"PORT {port}"):
        if not path:
            listener = socket.create_server((host, port), backlog=BACKLOG)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return listener
        if Path(path).is_socket():  # a service that was killed left it there
            Path(path).unlink()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(BACKLOG)
        return listener


def serve(
    make_app: Callable[[], Any],
    listen: Callable[[], socket.socket],
    size: int,
    limits: Limits,
    metrics: tuple[str, int] | None = None,
) -> None:
    """Serve with `size` workers until SIGTERM or SIGINT. `metrics` is the address of theirs.

    Raises SystemExit with a sentence if an address is taken, or if a worker cannot start.
    """
    multiprocessing.set_start_method("fork", force=True)  # the workers inherit the socket
    stop: SimpleQueue[int] = SimpleQueue()  # unlike an Event, it is safe in a signal's handler
    for ending in SIGNALS:
        signal.signal(ending, lambda number, _: stop.put(number))
    listener = listen()
    with TemporaryDirectory(prefix="metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        if metrics:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            with _naming(f"METRICS_PORT {metrics[1]}"):
                start_http_server(metrics[1], metrics[0], registry)
        server = _configured(listener, limits)
        gc.freeze()  # no collection looks at what is there: the workers share it as it is
        workers: list[Worker] = []
        try:
            workers += [
                Worker(number, make_app, listener, server, limits) for number in range(size)
            ]
            while not _told(stop):
                for number, worker in enumerate(workers):
                    if not worker.watched():
                        workers[number] = Worker(number, make_app, listener, server, limits)
                oldest = min(workers, key=lambda worker: worker.retires)
                due = size > 1 and oldest.retires < time.monotonic()
                if due and all(worker.serves for worker in workers):
                    oldest.stop()
        finally:
            _stop(workers, listener, time.monotonic() + limits.grace)


def _configured(listener: socket.socket, limits: Limits) -> Any:
    server = library.Granian(
        "",
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(int(1000 * limits.keepalive), max_buffer_size=HEADERS),
        runtime_mode=RuntimeModes.mt,
        blocking_threads=limits.threads,
        backpressure=CONNECTIONS,
        log_level=LogLevels.warning,
        log_dictconfig={"incremental": True, "handlers": {}, "loggers": {}},  # as the service logs
    )
    unix = listener.family == socket.AF_UNIX
    server._shd = library.net.SocketHolder(listener.fileno(), unix, BACKLOG)
    server._sso = None
    return server


def _told(stop: SimpleQueue[int]) -> bool:
    with suppress(Empty):
        return bool(stop.get(timeout=TICK))
    return False


def _stop(workers: list["Worker"], listener: socket.socket, deadline: float) -> None:
    """Answer those who are connected, and refuse all others."""
    for ending in SIGNALS:
        signal.signal(ending, signal.SIG_IGN)  # a second one must not interrupt the end
    if listener.family == socket.AF_UNIX:
        Path(listener.getsockname()).unlink(missing_ok=True)
    elif sys.platform == "linux":
        _take_nobody(listener)
    listener.close()  # the workers have it, too: it ends with the last one's
    for worker in workers:
        worker.stop()
    for worker in workers:
        worker.process.join(max(0, deadline - time.monotonic()))
        worker.process.kill()


def _take_nobody(listener: socket.socket) -> None:
    """Have newcomers ask again a second later, while a worker looks into the queue a last time.

    A kernel may forbid it. Then it can happen that somebody comes between that look and the end.
    """
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in STEPS))
    place = struct.pack("HP", len(STEPS), ctypes.addressof(program))
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, place)
        time.sleep(HANDSHAKES)


class Last(WSGIRequestHandler):
    """One of the last connections."""

    timeout = 5  # seconds for a client that sends nothing

    def log_message(self, *_: object) -> None:
        """The service logs its requests."""


def take_last(number: int) -> list[Any]:
    """Close a socket that Granian listens on, with this number, and take those who wait there.

    In its place Granian gets a socket that nobody connects to. Nobody comes between the last look
    at the queue and its end (see `_take_nobody`), so that everybody is either taken or refused.
    """
    last = []
    with socket.socket(fileno=os.dup(number)) as listener, socket.socket(listener.family) as silent:
        silent.setblocking(False)
        silent.bind("" if silent.family == socket.AF_UNIX else ("127.0.0.1", 0))
        silent.listen()
        os.dup2(silent.fileno(), number)
        listener.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                last.append(listener.accept())
    return last


def answer(connections: list[Any], app: Any, threads: int) -> None:
    """Answer one request of each connection."""
    server = WSGIServer(("", 0), Last, bind_and_activate=False)
    server.server_close()
    server.server_name, server.server_port = "localhost", 0
    server.setup_environ()
    server.set_app(app)
    with ThreadPoolExecutor(threads) as pool:
        for connection, address in connections:
            pool.submit(server.process_request, connection, address or ("", 0))


class Worker:
    """A process that serves. Its number, which its successor gets too, names its metrics' files."""

    def __init__(
        self,
        number: int,
        make_app: Callable[[], Any],
        listener: socket.socket,
        server: Any,
        limits: Limits,
    ) -> None:
        self.number, self._make_app, self._limits = number, make_app, limits
        self._listener = listener
        self.retires = time.monotonic() + limits.lifetime * random.uniform(0.8, 1.2)  # noqa: S311
        self._told, self._tell = multiprocessing.Pipe(duplex=False)
        self._shared = mmap.mmap(-1, 2)  # with the process: its pulse, and whether it has the app
        self._pulse, self._silent, self._deadline = 0, 0.0, FOREVER
        loaded = server._spawn_worker(number, server._spawn_wsgi_worker, self._load)
        self.process = loaded.inner
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the process can take them
        self.process.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        logger.info("Started worker %s with pid %s", number, self.process.pid)

    @property
    def serves(self) -> bool:
        return bool(self._shared[1]) and self._deadline == FOREVER

    def watched(self) -> bool:
        """Whether the process lives. Called every TICK, it kills one that hangs or does not stop.

        Raises SystemExit if the process could not start.
        """
        self._silent = 0 if self._pulse != self._shared[0] else self._silent + TICK
        self._pulse = self._shared[0]
        if self._silent > self._limits.hung or time.monotonic() > self._deadline:
            logger.error("Killing worker %s, which hangs", self.number)
            self.process.kill()
        if (self.process.exitcode or 0) > 0 and not self._shared[1]:
            raise SystemExit("The service stops, because a worker cannot start.")
        return bool(self.process.is_alive())

    def stop(self) -> None:
        self._deadline = min(self._deadline, time.monotonic() + self._limits.grace)
        self._tell.send_bytes(b"stop")

    def _load(self) -> Any:
        """Make the app, in the process."""
        os.setpgid(0, 0)  # Ctrl-C is for the parent only, which then stops this process
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        threading.Thread(target=self._live, args=(os.getppid(),), daemon=True).start()
        threading.Thread(target=self._end, daemon=True).start()
        Finalize(None, logging.shutdown, exitpriority=0)  # writes the last lines
        values.ValueClass = values.MultiProcessValue(lambda: self.number)  # type: ignore[no-untyped-call]
        # Each request's environ would have the variables of the process, so its secrets.
        library.wsgi.os = SimpleNamespace(environ={})
        try:
            app = self._make_app()
        except Exception:
            logger.exception("Worker %s cannot start", self.number)
            raise SystemExit(1) from None
        gc.freeze()
        self._app = app
        self._shared[1] = 1
        return app

    def _live(self, parent: int) -> None:
        while os.getppid() == parent:
            self._shared[0] = (self._shared[0] + 1) % 256
            time.sleep(TICK)
        os.kill(os.getpid(), signal.SIGTERM)

    def _end(self) -> None:
        """Stop the process when it is told so."""
        self._told.recv_bytes()
        if self._shared[1]:
            answer(take_last(self._listener.fileno()), self._app, self._limits.threads)
            time.sleep(SETTLE)
        os.kill(os.getpid(), signal.SIGTERM)
