"""A thousand log-outs in the midst of other requests of the same visitor."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import demand_servers
from tests.project import bake, environment
from tests.questions import CHOICES
from tests.servers import Servers

STORES = [(store, "none") for store in CHOICES["session_store"] if store not in ("cookie", "sql")]
STORES += [("sql", database) for database in CHOICES["database"] if database != "none"]


@pytest.mark.run
@pytest.mark.parametrize(("store", "database"), STORES)
def test_no_request_brings_an_ended_session_back(
    store: str, database: str, servers: Servers, place: Path
) -> None:
    answers = {"cache_backend": "simple", "session_store": store, "database": database}
    demand_servers(answers)
    project = bake(place, answers)
    shutil.copy(Path(__file__).with_name("proof.py"), project.path)
    with servers.environment(answers, "logout") as urls:
        project = replace(project, variables={**environment(), **urls})
        project.run("make install")
        said = project.run("uv run python proof.py").splitlines()[-1]
    assert json.loads(said) == {"rounds": 1000, "survivors": 0}
