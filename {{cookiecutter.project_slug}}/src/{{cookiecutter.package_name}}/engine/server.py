"""Serves an app with Granian, in workers that this process watches and replaces.

Granian's own parent process gives each worker a queue of connections, which dies with the worker.
Here the workers share one queue: what one of them leaves there, the next one answers.
"""

import ctypes
import logging
import mmap
import os
import random
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import set_start_method
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import granian.net
import granian.wsgi
from granian import Granian
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels
from prometheus_client import CollectorRegistry, start_http_server, values
from prometheus_client.multiprocess import MultiProcessCollector

BACKLOG = 2048  # connections that wait until a worker accepts them
CONNECTIONS = 1024  # that a worker accepts, also those that do not ask anything
HEADERS = 64 * 1024  # bytes that the head of a request takes at most
TICK = 0.5  # seconds between two looks at the workers
SIGNALS = {signal.SIGTERM, signal.SIGINT}
SO_ATTACH_FILTER = 26  # of Linux: a program looks at each packet
NO_SYN = (  # it drops those with SYN and without ACK, which ask for a connection
    (0x30, 0, 0, 13),  # load the byte of flags
    (0x54, 0, 0, 0x12),  # keep ACK and SYN
    (0x15, 0, 1, 0x02),  # if it is SYN alone …
    (0x06, 0, 0, 0),  # … drop the packet
    (0x06, 0, 0, 0xFFFF),
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Of each worker; all but `threads` are seconds."""

    threads: int
    keepalive: float  # until a connection without a request is closed
    grace: float  # that running requests have when the worker stops
    hung: float  # until a worker that does nothing is killed
    lifetime: float  # until one of several workers is replaced


def listen(host: str, port: int, path: str = "") -> socket.socket:
    """A socket of a port, or of a file. Raises SystemExit with a sentence if it is taken."""
    try:
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
    except OSError as error:
        raise _unusable(path or f"PORT {port}", error) from None


def serve(
    make_app: Callable[[], Any],
    listener: socket.socket,
    workers: int,
    limits: Limits,
    metrics: tuple[str, int] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, and the workers' metrics on an address of their own.

    Raises SystemExit if a worker cannot start, or if the metrics' port is taken.
    """
    stop: SimpleQueue[int] = SimpleQueue()  # unlike an Event, it may be used in a signal handler
    for number in SIGNALS:
        signal.signal(number, lambda number, _: stop.put(number))
    with TemporaryDirectory(prefix="metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        if metrics:
            _serve_metrics(*metrics)
        crew = Workers(make_app, listener, workers, limits)
        try:
            while not _arrives(stop):
                crew.watch()
        finally:
            crew.stop()


def _serve_metrics(host: str, port: int) -> None:
    """Serve the sums of all workers, in a thread."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise _unusable(f"METRICS_PORT {port}", error) from None


def _unusable(name: str, error: OSError) -> SystemExit:
    return SystemExit(f"{name} cannot be used: {os.strerror(error.errno or 0).lower()}.")


def _arrives(stop: SimpleQueue[int]) -> bool:
    with suppress(Empty):
        return bool(stop.get(timeout=TICK))
    return False


class Workers:
    """The workers of a socket."""

    def __init__(
        self, make_app: Callable[[], Any], listener: socket.socket, size: int, limits: Limits
    ) -> None:
        set_start_method("fork", force=True)  # the workers inherit the socket
        self._make_app, self._listener, self._limits = make_app, listener, limits
        # Granian prepares a worker, but this module starts and watches it. Hence the private names.
        private: Any = granian.net
        self._granian = cast(Any, Granian)(
            "",
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(int(1000 * limits.keepalive), max_buffer_size=HEADERS),
            runtime_mode=RuntimeModes.mt,
            blocking_threads=limits.threads,
            backpressure=CONNECTIONS,
            log_level=LogLevels.warning,
            log_dictconfig={"incremental": True, "handlers": {}, "loggers": {}},  # the service's
        )
        unix = listener.family == socket.AF_UNIX
        self._granian._shd = private.SocketHolder(listener.fileno(), unix, BACKLOG)
        self._granian._sso = None
        self._workers = [self._start(number) for number in range(size)]

    def _start(self, number: int) -> "Worker":
        worker = Worker(number, self._make_app, self._limits)
        loader = worker.prepare
        spawned = self._granian._spawn_worker(number, self._granian._spawn_wsgi_worker, loader)
        worker.start(spawned.inner)
        return worker

    def watch(self) -> None:
        """Replace what died, hangs or is old. Raises SystemExit if a worker cannot start."""
        for worker in self._workers:
            worker.watch()
            if worker.failed:
                raise SystemExit("The service stops, because a worker cannot start.")
            if not worker.process.is_alive():
                self._workers[worker.number] = self._start(worker.number)
        oldest = min(self._workers, key=lambda worker: worker.retires)
        others_serve = len(self._workers) > 1 and all(worker.serves for worker in self._workers)
        if others_serve and oldest.retires < time.monotonic():
            oldest.stop()

    def stop(self) -> None:
        """Answer those who are connected, and nobody else."""
        deadline = time.monotonic() + self._limits.grace
        _refuse_connections(self._listener)
        time.sleep(0.1)  # for handshakes under way
        while self._is_anyone_waiting() and time.monotonic() < deadline:
            time.sleep(0.05)
        self._listener.close()
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.process.join(max(0, deadline - time.monotonic()))
            worker.process.kill()

    def _is_anyone_waiting(self) -> bool:
        alive = any(worker.process.is_alive() for worker in self._workers)
        return alive and bool(select.select([self._listener], [], [], 0)[0])


def _refuse_connections(listener: socket.socket) -> None:
    if listener.family == socket.AF_UNIX:
        Path(listener.getsockname()).unlink(missing_ok=True)
    elif sys.platform == "linux":  # elsewhere, the connections of the last moment are reset
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *s) for s in NO_SYN))
        place = struct.pack("HP", len(NO_SYN), ctypes.addressof(program))
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, place)


class Worker:
    """A process that serves. Its number, which its successor gets too, names its metrics' files."""

    process: Any

    def __init__(self, number: int, make_app: Callable[[], Any], limits: Limits) -> None:
        self.number, self._make_app, self._limits = number, make_app, limits
        self.retires = time.monotonic() + limits.lifetime * random.uniform(0.8, 1.2)  # noqa: S311
        self._shared = mmap.mmap(-1, 2)  # of both processes: a pulse, and whether the app is made
        self._pulse, self._silent = 0, 0.0  # seconds without a new pulse
        self._deadline = float("inf")

    def start(self, process: Any) -> None:
        self.process = process
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the process can take them
        process.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        logger.info("Started worker %s with pid %s", self.number, process.pid)

    @property
    def serves(self) -> bool:
        return bool(self._shared[1]) and self._deadline == float("inf")

    @property
    def failed(self) -> bool:
        return not self._shared[1] and (self.process.exitcode or 0) > 0

    def watch(self) -> None:
        """Kill the process if it hangs or does not stop. To be called every TICK seconds."""
        self._silent = 0 if self._pulse != self._shared[0] else self._silent + TICK
        self._pulse = self._shared[0]
        if self._silent > self._limits.hung or time.monotonic() > self._deadline:
            logger.error("Killing worker %s, which hangs", self.number)
            self.process.kill()

    def stop(self) -> None:
        self._deadline = min(self._deadline, time.monotonic() + self._limits.grace)
        self.process.terminate()

    def prepare(self) -> Any:
        """Make the app, in the process."""
        os.setpgid(0, 0)  # Ctrl-C is for the parent only, which then stops this process
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        threading.Thread(target=self._live, args=(os.getppid(),), daemon=True).start()
        values.ValueClass = values.MultiProcessValue(lambda: self.number)  # type: ignore[no-untyped-call]
        # Otherwise each request's environ has the variables of the process, with its secrets.
        granian.wsgi.os = cast(Any, SimpleNamespace(environ={}))  # type: ignore[attr-defined]
        try:
            app = self._make_app()
        except Exception:
            logger.exception("Worker %s cannot start", self.number)
            raise SystemExit(1) from None
        self._shared[1] = 1
        return app

    def _live(self, parent: int) -> None:
        while os.getppid() == parent:
            self._shared[0] = (self._shared[0] + 1) % 256
            time.sleep(TICK)
        os.kill(os.getpid(), signal.SIGTERM)
