"""Projects on every Python that they promise to run on, as far as this machine has it."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.answers import rules
from tests.conftest import demand_servers, emptied
from tests.project import BakedProject, bake, environment
from tests.servers import Servers

EMBEDDED: dict[str, str] = {}
SERVERS = {"cache_backend": "redis", "session_store": "redis", "database": "postgresql"}
PYTHONS = ("3.11", "3.12", "3.13")
OWN = "{}.{}".format(*sys.version_info)  # the matrix runs on it


def python(version: str) -> str | None:
    """An interpreter of that version: on the PATH, uv's or pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = subprocess.run(
        ["uv", "python", "find", "--no-python-downloads", "--no-project", version],
        env=environment(),
        capture_output=True,
        text=True,
    ).stdout.strip()
    candidates = [found, *map(str, pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in filter(shutil.which, candidates):
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(asked, capture_output=True, text=True).stdout.strip() == version:
            return candidate
    return None


@pytest.mark.run
@pytest.mark.parametrize("version", [version for version in PYTHONS if version != OWN])
def test_the_checks_pass_on(
    version: str, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    interpreter = python(version)
    if not interpreter:
        pytest.skip(f"Python {version} is not installed")
    for answers in (EMBEDDED, SERVERS):
        project = bake(emptied(tmp_path_factory), answers)
        check(project, version, servers, {"UV_PYTHON": interpreter})


def check(project: BakedProject, version: str, servers: Servers, variables: dict[str, str]) -> None:
    demand_servers(project.answers)
    with servers.environment(project.answers, database=f"python_{os.getpid()}") as urls:
        project = replace(project, variables={**project.variables, **variables, **urls})
        project.run("make install")
        assert f"Python {version}." in project.run("uv run python --version")
        project.run("make check")


def test_the_standard_library_of_every_python_is_refused_as_a_name() -> None:
    older = rules({})["STANDARD"].split()
    for version in PYTHONS:
        if interpreter := python(version):
            names = "import sys; print(*sys.stdlib_module_names)"
            found = subprocess.run(
                [interpreter, "-c", names], capture_output=True, text=True, check=True
            ).stdout.split()
            public = {name for name in found if not name.startswith("_")}
            assert public <= sys.stdlib_module_names | set(older)
