"""The READMEs: their links lead somewhere, and their commands work as they are written."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import demand_servers
from tests.project import BakedProject, bake
from tests.questions import REPOSITORY
from tests.servers import Servers

FILES = {"cache_backend": "filesystem", "session_store": "filesystem", "database": "sqlite"}
SERVERS = {"cache_backend": "redis", "session_store": "redis", "database": "postgresql"}
BARE = {"cache_backend": "none", "session_store": "cookie", "database": "none"}
COMMAND = re.compile(r"(uv|uvx|curl|make|docker) ")
# What is tried elsewhere: in Docker, by cruft, by the matrix.
ELSEWHERE = re.compile(
    r"docker compose|uvx cruft |make (up|down|run|watch|test|check|install|servers|bench)\b"
    "|uv run flask db downgrade|uv run python -m my_service"
)
PLACEHOLDERS = {"TAG": "products", "[PATH…]": "/ /products/1"}


def commands(readme: str) -> Iterator[str]:
    """The commands in blocks and in the text, in their order."""
    for block, inline in re.findall(r"```console\n(.*?)```|`([^`\n]+)`", readme, re.DOTALL):
        for line in block.splitlines() or [inline]:
            if COMMAND.match(line):
                yield from re.split(r"  +# ", line)[0].strip().split(" && ")


def anchors(text: str) -> set[str]:
    """Where links into a page may lead, as GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.M)
    return {re.sub(r"[^\w -]", "", each).strip().lower().replace(" ", "-") for each in headings}


def dead_links(folder: Path) -> list[str]:
    """The links and pictures of a folder's pages that lead nowhere in it."""
    dead = []
    for page in [*folder.glob("*.md"), *folder.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if re.match(r"https?:", link):
                continue
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
                dead.append(f"{page.name}: {link}")
    return dead


def test_no_link_of_the_repository_leads_nowhere() -> None:
    assert dead_links(REPOSITORY) == []


@pytest.mark.parametrize("answers", [FILES, SERVERS, BARE], ids=["files", "servers", "bare"])
def test_no_link_of_a_project_leads_nowhere(answers: dict[str, str], tmp_path: Path) -> None:
    assert dead_links(bake(tmp_path, answers).path) == []


@pytest.mark.run
@pytest.mark.parametrize("answers", [FILES, SERVERS], ids=["files", "servers"])
def test_every_command_of_the_readme_runs_as_it_is_written(
    answers: dict[str, str], servers: Servers, place: Path
) -> None:
    project = bake(place, answers)
    demand_servers(project.answers)
    tried = []
    with servers.environment(project.answers, database=f"readme_{os.getpid()}") as urls:
        project = replace(project, variables={**project.variables, **urls, "API_TOKEN": "t" * 20})
        project.run("make install")
        project.run("uv run flask db upgrade")
        project.run("uv run flask shop seed")
        (project.package / "shop" / "orders.py").write_text(ORDER)
        shop = project.package / "shop" / "__init__.py"
        shop.write_text(f"{shop.read_text()}\n\nfrom . import orders as orders\n")
        with project.serving() as client:
            for command in commands((project.path / "README.md").read_text()):
                if not ELSEWHERE.match(command):
                    tried.append(command)
                    run(project, command, client.base_url.port or 0)
    assert len(tried) > 8


ORDER = """
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Base


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
"""


def run(project: BakedProject, command: str, port: int) -> None:
    """A command in a clean shell, with a tag and with paths instead of their placeholders."""
    for placeholder, value in PLACEHOLDERS.items():
        command = command.replace(placeholder, value)
    command = command.replace("localhost:8000", f"127.0.0.1:{port}").replace("curl ", "curl -f ")
    shell = ["bash", "-eo", "pipefail", "-c", command]
    done = subprocess.run(
        shell,
        cwd=project.path,
        env={**project.variables, "PORT": str(port)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
