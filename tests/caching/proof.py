"""Goes into a generated project and runs there: pages that count, and a stress test.

python proof.py delete|invalidate
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from my_service import create_app  # type: ignore[import-not-found]
from my_service.caching import cache, page, remember  # type: ignore[import-not-found]

if __name__ == "__main__":  # a busy machine is no outage
    from tests.engine.apart import patience  # type: ignore[import-not-found]

    patient = patience()
    patient.__enter__()
app = create_app()
LEDGER = Path("var/computations")  # a line for each
GO_ON = Path("var/go-on")


def compute(fate: str) -> str:
    """Takes half a second; the first one fails or dies, if that is its fate.

    The second one whose fate is to be awaited takes until somebody says that it may go on.
    """
    with LEDGER.open("a") as ledger:
        ledger.write(f"{fate}\n")
    first = LEDGER.read_text().split().count(fate) == 1
    time.sleep(0.5)
    while fate == "awaited" and not first and not GO_ON.exists():
        time.sleep(0.01)
    if first and fate == "raises":
        raise RuntimeError(fate)
    if first and fate == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    return fate


@app.get("/herd/<fate>")  # type: ignore[untyped-decorator]
@page(timeout=60)  # type: ignore[untyped-decorator]
def herd(fate: str) -> str:
    return compute(fate)


@app.get("/expiring")  # type: ignore[untyped-decorator]
@page(timeout=3, stale=60)  # type: ignore[untyped-decorator]
def expiring() -> str:
    return compute("awaited")


@app.get("/hits")  # type: ignore[untyped-decorator]
def hits() -> str:
    """Two more kinds of hits, once each."""
    return f"{remember('value', lambda: 1, tags=('products', 'others'))}{memoized('a')}"


@cache.memoize(tags=("products",))  # type: ignore[untyped-decorator]
def memoized(argument: str) -> str:
    return argument


@app.get("/tagged")  # type: ignore[untyped-decorator]
@page(timeout=60, tags=("products", "others"))  # type: ignore[untyped-decorator]
def tagged() -> str:
    return "tagged"


def read(truth: Any, reads: Any, stale: Any) -> None:
    """Read until the writer ends. Stale is a value older than what was acknowledged before."""

    def loop() -> None:
        with app.app_context():
            while truth[2] == 0:
                acknowledged = truth[0]
                seen = remember("truth", lambda: truth[1], tags=("truth",))
                with reads.get_lock():
                    reads.value += 1
                    stale.value += seen < acknowledged

    threads = [threading.Thread(target=loop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def write(truth: Any, reads: Any, how: str) -> None:
    change = {
        "invalidate": lambda: cache.invalidate("truth"),
        "delete": lambda: cache.delete("truth"),
    }
    deadline = time.monotonic() + 600  # of a server that hangs
    with app.app_context():
        while min(reads.value, 100 * truth[0]) < 10_500 and time.monotonic() < deadline:
            truth[1] += 1  # commit
            change[how]()
            truth[0] = truth[1]  # acknowledge
            enough = reads.value + 4
            while reads.value < enough and time.monotonic() < deadline:
                time.sleep(0.001)
    truth[2] = 1


def stress(how: str) -> None:
    truth = multiprocessing.Array("i", 3)  # acknowledged, committed, whether it is over
    reads, stale = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0)
    others = [multiprocessing.Process(target=read, args=(truth, reads, stale)) for _ in range(3)]
    others.append(multiprocessing.Process(target=write, args=(truth, reads, how)))
    for process in others:
        process.start()
    for process in others:
        process.join()
    print(json.dumps({"reads": reads.value, "stale": stale.value, "writes": truth[0]}))


if __name__ == "__main__":
    stress(sys.argv[1])
