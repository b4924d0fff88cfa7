"""The engine is tested as it lies in the template, at every backend, without a service above it."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import demand_servers
from tests.host import ENGINE_TESTS, WITH_SERVERS, WITHOUT_SERVERS, answers, host
from tests.servers import Servers
from tests.table import files


@pytest.mark.parametrize(
    "chosen",
    [
        *(pytest.param(chosen, marks=pytest.mark.slow) for chosen in WITHOUT_SERVERS),
        *(pytest.param(chosen, marks=pytest.mark.run) for chosen in WITH_SERVERS),
    ],
    ids="-".join,
)
def test_it_keeps_its_promises(
    chosen: tuple[str, str, str], servers: Servers, tmp_path: Path
) -> None:
    demand_servers(answers(*chosen))
    with servers.environment(answers(*chosen), database=f"engine_{os.getpid()}") as urls:
        project = host(tmp_path, answers(*chosen))
        project = replace(project, variables={**project.variables, **urls})
        project.run(f"{sys.prefix}/bin/pytest -p no:cacheprovider -o pythonpath=. -q tests")


def test_every_file_of_its_tests_is_run() -> None:
    run = {file for chosen in WITHOUT_SERVERS + WITH_SERVERS for file in files(answers(*chosen))}
    assert run >= {*ENGINE_TESTS.rglob("*.py")}
