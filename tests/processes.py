"""Child processes that are ready when they are used, and gone with whoever started them."""

import ctypes
import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGCONT, SIGSTOP, SIGTERM, Signals
from typing import Any

import httpx


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses, below those the kernel gives to clients."""
    while True:
        port = random.randrange(20000, 32000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def get(url: str | httpx.URL, **options: Any) -> httpx.Response:
    """The answer on a new connection, without the certificates that httpx would read each time."""
    return httpx.get(url, **{"timeout": 30, "verify": False, **options})


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Return when the condition holds. Raises TimeoutError when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} seconds")
        time.sleep(0.02)


def states(pid: int) -> set[str]:
    """What the threads of a process do: R(un), S(leep), T (stopped), Z (ended); see proc(5).

    Empty when it is gone. Only what sleeps is sure to be interrupted by a signal: Python notes one
    that comes just before a system call, and the call then waits all the same.
    """
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
            found.add(task.read_text().rpartition(")")[2].split()[0])
    return found


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Have a process do nothing while the block lasts.

    The signal reaches one thread, which stops the others when it runs next: until then, these may
    accept a connection.
    """

    os.kill(pid, SIGSTOP)
    try:
        wait_until(lambda: states(pid) == {"T"})
        yield
    finally:
        os.kill(pid, SIGCONT)


def die_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when the one that started it is gone."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGTERM)


def guarded(command: Sequence[str], stop: Signals = SIGTERM) -> list[str]:
    """The command, to which the kernel sends the signal `stop` when this process is gone."""
    return ["setpriv", "--pdeathsig", stop.name.removeprefix("SIG"), *command]


@contextmanager
def running(
    command: Sequence[str],
    *,
    ready: Callable[[], bool],
    log: Path,
    stop: Signals = SIGTERM,
    **popen: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server while the block lasts, and stop it with the signal `stop`.

    It ends the same way should this process be killed. Ctrl-C does not reach it.
    `popen` is subprocess.Popen's (cwd, env, …).

    Raises RuntimeError, with the server's log, when it does not get ready.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            guarded(command, stop),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **popen,
        )
    try:
        with suppress(TimeoutError):
            wait_until(lambda: process.poll() is not None or ready())
        if process.poll() is not None or not ready():
            raise RuntimeError(f"{' '.join(command)} is not ready:\n{log.read_text()[:4000]}")
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
