"""Waiting for a condition, and no longer; and how long something took, on a busy machine too."""

import threading
import time
from collections.abc import Callable

NAP = 0.01  # seconds
LONG = 20.0  # seconds that a busy machine may take for what is done at once otherwise


def wait_until(condition: Callable[[], bool], seconds: float = LONG) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(NAP)


class Stopwatch:
    """How many `seconds` a block waits, told by the naps that a thread takes beside it.

    A machine that stands still, or has no time, lets neither of them go on. So it adds nothing.
    """

    def __enter__(self) -> "Stopwatch":
        self.seconds = 0.0
        self._over = threading.Event()
        self._napping = threading.Thread(target=self._nap, daemon=True)
        self._napping.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._napping.join()

    def _nap(self) -> None:
        while not self._over.wait(NAP):
            self.seconds += NAP
