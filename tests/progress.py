"""What a run of the tests says while it lasts, and what it cost.

In a terminal one line is kept up to date; a log has a new one every half minute:

    412 of 1,566 tests, 1 failed, 6:21, about 14 min left: its_own_checks_pass[cache=redis-…] 12 s
"""

import resource
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from typing import Any, TextIO

import pytest

EVERY = 30.0  # seconds between two lines of a log
PROCESSOR = "processor seconds"  # of one phase of a test, in its report's properties


def spent() -> float:
    """The processor seconds of this process and of those that it has waited for."""
    own, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Meter:
    """Adds to each report what its phase cost. The servers, which end last, are nobody's."""

    def __init__(self) -> None:
        self.before = spent()
        self.at_the_end = False

    def pytest_runtest_teardown(self, nextitem: pytest.Item | None) -> None:
        self.at_the_end = nextitem is None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        now = spent()
        if not self.at_the_end:
            report.user_properties.append((PROCESSOR, now - self.before))
        self.before = now
        return report


def function(nodeid: str) -> str:
    """The name of a test without its parameters."""
    return nodeid.partition("[")[0]


class Progress:
    """Stands where pytest has its dots: how many of how many, an estimate, what is running.

    It writes to `out`, because pytest's own output is that of the test while one is running.
    """

    def __init__(self, reporter: pytest.TerminalReporter, out: TextIO) -> None:
        self.reporter = reporter
        self.out = out
        self.began = time.monotonic()
        self.left: Counter[str] = Counter()  # tests, by function, as are the next three
        self.done: Counter[str] = Counter()
        self.lasted: dict[str, float] = defaultdict(float)  # seconds
        self.cost: dict[str, float] = defaultdict(float)  # processor seconds
        self.failed: set[str] = set()
        self.running: dict[str, float] = {}  # since when
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.ticker = threading.Thread(target=self.tick, daemon=True)
        reporter.showfspath = False

    def tick(self) -> None:
        while not self.ended.wait(1 if self.reporter.isatty else EVERY):
            if self.left:
                self.show()

    def show(self) -> None:
        with self.lock:
            self.write(self.line(time.monotonic()), "" if self.reporter.isatty else "\n")

    def write(self, line: str, end: str = "\n") -> None:
        """A line, in a terminal in place of the one that is there."""
        if self.reporter.isatty:
            width = self.reporter.config.get_terminal_writer().fullwidth - 1
            line = f"\r{line if end else line[:width]:{width}}"
        self.out.write(line + end)
        self.out.flush()

    def line(self, now: float) -> str:
        minutes, seconds = divmod(int(now - self.began), 60)
        running = ", ".join(
            f"{nodeid.rpartition('::')[2].removeprefix('test_')} {now - since:.0f} s"
            for nodeid, since in sorted(self.running.items(), key=lambda item: item[1])
        )
        return (
            f"{self.done.total():,} of {self.done.total() + self.left.total():,} tests, "
            f"{len(self.failed)} failed, {minutes}:{seconds:02}"
            f"{self.estimate(now)}{running and f': {running}'}"
        )

    def estimate(self, now: float) -> str:
        """From how long tests of the same function took, or else any test."""
        if not self.done or not self.running:
            return ""
        mean = sum(self.lasted.values()) / self.done.total()
        expected = sum(
            count * (self.lasted[name] / self.done[name] if self.done[name] else mean)
            for name, count in self.left.items()
        )
        gone = sum(now - since for since in self.running.values())
        minutes = (expected - gone) / len(self.running) / 60
        return f", about {minutes:.0f} min left" if minutes > 1 else ", about a minute left"

    def collected(self, nodeids: Iterable[str]) -> None:
        self.left = Counter(function(nodeid) for nodeid in nodeids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.collected(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self.collected(ids)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        self.ticker.start()
        try:
            return (yield)
        finally:
            self.ended.set()
            self.show()
            self.write("")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        with self.lock:
            self.running[nodeid] = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        with self.lock:
            name = function(report.nodeid)
            self.lasted[name] += report.duration
            for key, value in report.user_properties:
                if key == PROCESSOR and isinstance(value, float):
                    self.cost[name] += value
            if report.failed:
                self.failed.add(report.nodeid)
                self.write(f"FAILED {report.nodeid}")

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        with self.lock:
            del self.running[nodeid]
            self.left[function(nodeid)] -= 1
            self.done[function(nodeid)] += 1

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, tuple[str, str, Any]]:
        """A result without the letter that pytest would print for it."""
        category, _, word = yield
        return category, "", word

    def pytest_terminal_summary(self) -> None:
        """What the tests cost, by function, those together that took less than a hundredth."""
        whole = sum(self.cost.values())
        if whole < 10:
            return
        self.reporter.section("processor seconds")
        rest = whole
        for name, cost in sorted(self.cost.items(), key=lambda item: -item[1]):
            if cost > whole / 100:
                self.say(cost, whole, f"{name}, {self.done[name]} times")
                rest -= cost
        self.say(rest, whole, "others")

    def say(self, cost: float, whole: float, what: str) -> None:
        self.reporter.write_line(f"{cost:7,.0f} {cost / whole:4.0%}  {what}")
