"""How the suite runs a project's commands."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.processes import states, wait_until
from tests.questions import REPOSITORY

LASTING = """
from pathlib import Path
from tests.project import BakedProject
BakedProject(Path({!r}), {{}}).run(["sh", "-c", "sleep 100 & echo $! >begun; wait"])
"""


def test_what_a_command_has_started_ends_when_the_suite_is_interrupted(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    with subprocess.Popen(
        [sys.executable, "-c", LASTING.format(str(tmp_path))],
        cwd=REPOSITORY,
        stderr=subprocess.DEVNULL,
    ) as suite:
        wait_until(lambda: begun.exists() and begun.read_text().endswith("\n"))
        wait_until(lambda: states(suite.pid) == {"S"})
        suite.send_signal(signal.SIGINT)
    wait_until(lambda: states(int(begun.read_text())) <= {"Z"})
