"""Writes the log apart from the requests: many lines at a time, in a thread of its own.

A request only hands over its line: a thread that writes lets others run, and has to wait for its
turn again. Lines are written every 20 ms and when the process ends; a crash loses those of the last
20 ms. Warnings and errors are written at once, with all lines before them.
"""

import logging
import os
import threading
import time
from collections import deque
from typing import TextIO

from .middleware import current

PAUSE = 0.02  # seconds
MOST = 10_000  # lines that wait: then the requests wait, too


class Handler(logging.StreamHandler[TextIO]):
    """A StreamHandler that formats and writes records up to level INFO a little later.

    For its formatter each record has `message`, and `request_id` if it is about a request.
    """

    def __init__(self) -> None:
        super().__init__()
        self._begin()
        # No fork while the thread writes: the new process would wait for it forever.
        os.register_at_fork(
            before=self.acquire, after_in_parent=self.release, after_in_child=self._begin
        )

    def _begin(self) -> None:
        self._waiting: deque[logging.LogRecord] = deque()
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    def handle(self, record: logging.LogRecord) -> bool:
        if not self.filter(record):
            return False
        record.message = record.getMessage()  # now, because its arguments may change
        if visit := current.get():
            record.request_id = visit.request_id
        self._waiting.append(record)
        if record.levelno > logging.INFO or len(self._waiting) > MOST:
            self.flush()
        elif not self._some.is_set():
            self._some.set()
            if not self._thread:
                self._thread = threading.Thread(target=self._write, name="log", daemon=True)
                self._thread.start()
        return True

    def flush(self) -> None:
        """Write what waits."""
        self.acquire()
        try:
            lines = []
            while self._waiting:
                lines.append(self.format(self._waiting.popleft()) + self.terminator)
            if lines:
                self.stream.write("".join(lines))
            super().flush()
        finally:
            self.release()

    def _write(self) -> None:
        while self._some.wait():
            time.sleep(PAUSE)
            self._some.clear()
            self.flush()
