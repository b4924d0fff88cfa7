"""A team begins its own service as the generated README says: without the example."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.conftest import demand_servers
from tests.processes import wait_until
from tests.project import BakedProject, bake
from tests.servers import Servers

STORED = {"cache_backend": "redis", "session_store": "redis", "database": "sqlite"}
BARE = {"cache_backend": "simple", "session_store": "cookie", "database": "none"}


@pytest.mark.run
@pytest.mark.parametrize("answers", [STORED, BARE], ids=["stored", "bare"])
def test_the_example_can_be_deleted(answers: dict[str, str], servers: Servers, place: Path) -> None:
    project = bake(place, answers)
    demand_servers(project.answers)
    with servers.environment(project.answers, database=f"own_{os.getpid()}") as urls:
        project = replace(project, variables={**project.variables, **urls})
        project.run("make install")
        follow_the_readme(project)
        project.run("make check")
        with project.serving(WEB_CONCURRENCY="1") as client:
            assert client.get("/livez").status_code == 200
            wait_until(lambda: client.get("/readyz").status_code == 200)
            assert client.get("/").status_code == 404


def follow_the_readme(project: BakedProject) -> None:
    """Delete what the paragraph names, and nothing else."""
    readme = (project.path / "README.md").read_text()
    begin = re.compile(r"^To begin your own service,.*?(?=\n\n)", re.DOTALL | re.MULTILINE)
    (paragraph,) = begin.findall(readme)
    named = re.findall(r"`(.+?)`", paragraph)
    expected = ["src/my_service/shop", "tests/shop", "init_shop", "__init__.py"]
    if stored := project.answers["database"] != "none":
        expected += ["flask shop seed", "Makefile", "compose.yaml", "0001_products.py"]
        expected += ["uv run flask db downgrade base", "API_TOKEN"]
    assert named == expected

    if stored:
        with pytest.raises(AssertionError, match="yet: run `flask db upgrade`") as refusal:
            project.run("uv run flask shop seed")
        assert "Traceback" not in str(refusal.value)
        project.run("uv run flask db upgrade")
        project.run("uv run flask shop seed")
        project.run("uv run flask db downgrade base")
        (project.package / "migrations" / "versions" / "0001_products.py").unlink()
        assert delete_lines(project.path / "Makefile", "flask shop seed") == 1
        compose = project.path / "compose.yaml"
        assert delete_lines(compose, "flask shop seed") == 1
        migrate = yaml.safe_load(compose.read_text())["services"]["migrate"]
        assert migrate["command"] == ["sh", "-ec", "flask db upgrade\n"]
        project.run("uv run flask db upgrade")
    shutil.rmtree(project.package / "shop")
    shutil.rmtree(project.path / "tests" / "shop")
    assert delete_lines(project.package / "__init__.py", "init_shop") == 2


def delete_lines(path: Path, text: str) -> int:
    """How many lines had the text."""
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if text not in line]
    path.write_text("".join(kept))
    return len(lines) - len(kept)
