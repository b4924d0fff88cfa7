"""Lint, format-check and type-check the engine as it lies in the template, with its tests.

    python -m scripts.engine

The rules are those of a generated project.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.host import ENGINE, ENGINE_TESTS, WITH_SERVERS, WITHOUT_SERVERS, answers, host
from tests.questions import REPOSITORY, TEMPLATE

PLACE = REPOSITORY / ".mypy_cache" / "engine" / "project"
# It names the package in an import: it is Python only when it is rendered.
HUB = ["--exclude=tests/engine/hub.py"]
UNNAMED = "--extend-ignore=N999"  # the package has no name yet


def main() -> int:
    return max(lint(), check_types())


def lint() -> int:
    with tempfile.TemporaryDirectory() as folder:
        rules = host(Path(folder), {}).path / "pyproject.toml"
        return max(
            run("ruff", *command, f"--config={rules}", "--no-cache", *HUB, ENGINE, ENGINE_TESTS)
            for command in (["check", UNNAMED], ["format", "--check"])
        )


def check_types() -> int:
    """With each set of answers in the same place, so that mypy looks at the engine once."""
    for chosen in WITHOUT_SERVERS + WITH_SERVERS:
        shutil.rmtree(PLACE, ignore_errors=True)
        PLACE.mkdir(parents=True)
        host(PLACE, answers(*chosen))
        packages = ["--package=host", "--package=tests", f"--cache-dir={PLACE.with_name('types')}"]
        if failed := run("mypy", *packages, folder=PLACE):
            return failed
    return 0


def run(program: str, *arguments: str | Path, folder: Path = TEMPLATE) -> int:
    return subprocess.run([f"{sys.prefix}/bin/{program}", *arguments], cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main())
