"""What all tests share: the servers, how they end, and the closing lines."""

import os
import re
import shutil
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.processes import die_with_parent
from tests.progress import Meter, Progress
from tests.questions import CHOICES, combinations
from tests.servers import Servers, missing

STARTED = time.monotonic()


@pytest.hookimpl(trylast=True)  # after pytest has made its reporter
def pytest_configure(config: pytest.Config) -> None:
    """End on SIGTERM as on Ctrl-C: servers stopped, temporary folders removed.

    So does a worker of pytest-xdist whose pytest was killed. And so do the programs that the tests
    interrupt, even if this one was started in the background, where a shell has Ctrl-C ignored.
    """
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, signal.default_int_handler)
    config.pluginmanager.register(Meter())
    if hasattr(config, "workerinput"):
        die_with_parent()
    elif config.get_verbosity() == 0 and not config.option.collectonly:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        assert isinstance(reporter, pytest.TerminalReporter)
        out = os.fdopen(os.dup(1), "w")  # what is standard output now, before a test has its own
        config.pluginmanager.register(Progress(reporter, out))


class CombinationScheduling(LoadScopeScheduling):
    """Gives all tests of a combination to one worker, which generates and installs it once.

    And those of the server, those in a browser and those of one cache, which share a service.

    `--dist=loadgroup` would, but for https://github.com/pytest-dev/pytest-xdist/issues/1386.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if path.startswith("tests/browser/"):
            return "tests/browser"
        if path.startswith("tests/caching/"):
            return next((name for name in CHOICES["cache_backend"] if name in nodeid), nodeid)
        return combination(nodeid) or (path if path == "tests/test_server.py" else nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest of the tests that stand alone go first: in the end all processors are busy."""
    items.sort(key=lambda item: item.path.name != "test_pythons.py")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> CombinationScheduling:
    return CombinationScheduling(config, log)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Five for two processors: the projects' own tests wait for timeouts most of the time."""
    processors = len(os.sched_getaffinity(0))
    return processors if "or run" in config.option.markexpr else 5 * processors // 2


def combination(nodeid: str) -> str | None:
    """The name of the combination that a test is about."""
    found = re.search(r"\[(cache=\S+-sessions=\S+)\]", nodeid)
    return found[1] if found else None


def demand_servers(answers: Mapping[str, str]) -> None:
    """Skip a test whose servers are not installed; where CI is set that is a failure."""
    demand(missing(answers))


def demand_programs(*programs: str) -> None:
    """Skip a test whose programs are not installed; where CI is set that is a failure."""
    demand([program for program in programs if not shutil.which(program)])


def demand(lacking: Sequence[str]) -> None:
    if lacking:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(f"not installed: {', '.join(lacking)}")


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers of this test process."""
    with Servers() as servers:
        yield servers


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What Python and mypy have made of a file is kept for the next project in its place."""
    for variable in ("PYTHONPYCACHEPREFIX", "MYPY_CACHE_DIR"):
        os.environ[variable] = str(tmp_path_factory.getbasetemp() / variable.lower())


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder, the same one for each test: nobody else in this process has a project there.

    Python and mypy know a file by its path, time and size. So the libraries that are installed here
    are those that have been compiled.
    """
    return emptied(tmp_path_factory)


def emptied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "place"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many combinations passed, with how many tests of their own, and name the skipped."""
    outcomes: dict[str, set[str]] = defaultdict(set)  # of the tests of one step, by combination
    skipped: dict[str, set[str]] = defaultdict(set)  # combinations by reason
    own_tests = 0
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(outcome):
            if name := combination(report.nodeid):
                step = "run" if "run" in report.keywords else "generated"
                outcomes[f"{step} {name}"].add(outcome)
                own_tests += dict(report.user_properties).get("own_tests", 0)
                if outcome == "skipped":
                    skipped[report.longrepr[2]].add(name)
    if not outcomes:
        return
    passed = [step.split()[0] for step, seen in outcomes.items() if seen == {"passed"}]
    terminalreporter.section("combinations")
    terminalreporter.line(
        f"{passed.count('generated')} of {len(combinations())} generated, {passed.count('run')} "
        f"installed, served and checked by {own_tests} tests of their own, "
        f"in {time.monotonic() - STARTED:.0f} seconds"
    )
    for reason, names in skipped.items():
        terminalreporter.line(f"{reason}: {', '.join(sorted(names))}")
