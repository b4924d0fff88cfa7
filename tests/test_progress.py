"""What a run of the tests says while it lasts."""

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.progress import PROCESSOR, Progress
from tests.questions import REPOSITORY

TESTS = """
import time
import pytest

def test_good(): sum(range(1_000_000))

@pytest.mark.parametrize("number", range(3))
def test_bad(number): assert number != 1

@pytest.fixture
def broken(): raise OSError

def test_error(broken): pass

@pytest.mark.skip
def test_skipped(): pass

def test_slow(): time.sleep(0.5)
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_log_says_how_many_of_how_many_and_which_failed(tmp_path: Path, processes: str) -> None:
    often = "from tests import progress\nprogress.EVERY = 0.1\n"
    (tmp_path / "conftest.py").write_text(f"from tests.conftest import *\n{often}")
    (tmp_path / "test_it.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", processes, "-o", "console_output_style=classic"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = done.stdout.splitlines()
    failed = {line for line in lines if line.startswith("FAILED test_it.py") and " - " not in line}
    assert failed == {"FAILED test_it.py::test_bad[1]", "FAILED test_it.py::test_error"}
    *earlier, last = (line for line in lines if " of 7 tests, " in line)
    assert last.startswith("7 of 7 tests, 2 failed, ")
    assert any(": slow 0 s" in line for line in earlier)
    assert ".F" not in done.stdout
    assert "1 failed, 4 passed, 1 skipped, 1 error" in lines[-1]


class Reporter:
    """A terminal, or a log."""

    def __init__(self, isatty: bool) -> None:
        self.isatty = isatty
        writer = SimpleNamespace(fullwidth=60)
        self.config = SimpleNamespace(get_terminal_writer=lambda: writer)


def report(nodeid: str, seconds: float, failed: bool = False) -> Any:
    properties = [(PROCESSOR, seconds / 2)]
    return SimpleNamespace(
        nodeid=nodeid, duration=seconds, failed=failed, user_properties=properties
    )


def test_the_line_names_what_runs_and_estimates_from_what_has_run() -> None:
    reporter: Any = Reporter(isatty=False)
    progress = Progress(reporter, io.StringIO())
    progress.collected([*(f"a.py::test_long[{number}]" for number in range(5)), "a.py::test_short"])
    now = progress.began
    assert progress.line(now) == "0 of 6 tests, 0 failed, 0:00"

    for number in range(2):
        progress.pytest_runtest_logstart(f"a.py::test_long[{number}]")
        progress.pytest_runtest_logreport(report(f"a.py::test_long[{number}]", 60, failed=True))
        progress.pytest_runtest_logfinish(f"a.py::test_long[{number}]")
    progress.pytest_runtest_logstart("a.py::test_long[2]")
    progress.pytest_runtest_logstart("a.py::test_long[3]")
    progress.running = dict.fromkeys(progress.running, now + 90)

    # Three long ones and one of which nothing is known, two at a time, less what is done of them.
    assert progress.line(now + 120) == (
        "2 of 6 tests, 2 failed, 2:00, about 2 min left: long[2] 30 s, long[3] 30 s"
    )
    assert progress.cost == {"a.py::test_long": 60}


@pytest.mark.parametrize("isatty", [False, True])
def test_a_terminal_has_one_line_of_its_width(
    isatty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter: Any = Reporter(isatty)
    out = io.StringIO()
    progress = Progress(reporter, out)
    progress.collected(["a.py::test_it"])
    progress.pytest_runtest_logstart(f"a.py::test_{'long_' * 20}")
    monkeypatch.setattr(
        progress.ended, "wait", lambda seconds: bool(out.getvalue()) or seconds > 31
    )
    progress.ticker.start()
    progress.ticker.join()
    line = out.getvalue()
    assert line.endswith("\n") is not isatty
    assert (len(line) == len("\r") + 59) is isatty
