"""Every combination of backends: what is generated, and that it runs."""

import ast
import html
import json
import os
import re
import sys
import tomllib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.conftest import demand_servers, emptied
from tests.dead import unused
from tests.processes import get, wait_until
from tests.project import PATIENT, BakedProject, bake, environment
from tests.questions import combinations, pairs
from tests.servers import KINDS, Servers
from tests.table import CHOICES, ROLES, SHARED, parts
from tests.test_floors import imports, modules

MARKER = re.compile(r"\{\{ *cookiecutter|# *\{%|\{% *(end)?raw")
# `flask db upgrade` and `flask shop seed`, in a process that has imported the service already.
PREPARE = """
import os
child = os.fork()
if not child:
    run = service.create_app().test_cli_runner().invoke
    for command in ("db", "upgrade"), ("shop", "seed"):
        done = run(args=command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
PARSERS: dict[str, Callable[[str], object]] = {  # of Python, ruff's is the test
    ".toml": tomllib.loads,
    ".json": json.loads,
    ".yaml": lambda text: [*yaml.load_all(text, yaml.CSafeLoader)],
    ".yml": lambda text: [*yaml.load_all(text, yaml.CSafeLoader)],
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(answers, id=name, marks=() if name in pairs() else pytest.mark.slow)
        for name, answers in combinations().items()
    ],
)
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> BakedProject:
    """A combination, always in the same place: what others have compiled and type-checked holds.

    Python and mypy know a file by its size and time. So the time is one in the past that follows
    from what is in the file.
    """
    project = bake(emptied(tmp_path_factory), request.param)
    for path in project.files():
        seconds = zlib.crc32(path.read_bytes()) % 10**9
        os.utime(path, (seconds, seconds))
    return project


def test_no_template_marker_is_left(project: BakedProject) -> None:
    assert [path for path in project.files() if MARKER.search(text(path))] == []


def test_nothing_speaks_of_a_backend_that_was_not_chosen(project: BakedProject) -> None:
    foreign = "|".join(
        entry["words"]
        for name, entry in (SHARED | CHOICES).items()
        if entry.get("words") and name not in parts(project.answers)
    )
    for path in project.files():
        for line in [str(path.relative_to(project.path)), *text(path).splitlines()]:
            assert not re.search(foreign, line, re.IGNORECASE), f"{path}: {line}"


def test_every_file_parses(project: BakedProject) -> None:
    for path in project.files():
        if parse := PARSERS.get(path.suffix):
            parse(text(path))


def test_no_folder_is_empty(project: BakedProject) -> None:
    assert [path for path in project.path.rglob("*/") if not any(path.iterdir())] == []


def test_no_blank_lines_are_left_where_something_was_not_chosen(project: BakedProject) -> None:
    for path in project.files():
        content = text(path)
        assert not re.search(r"\A\n|\n\n\Z|[^\n]\Z|[ \t]$", content, re.MULTILINE), path
        assert path.suffix in (".py", ".md", ".mako") or "\n\n\n" not in content, path


def test_it_is_linted_and_formatted(project: BakedProject) -> None:
    project.run(f"{sys.prefix}/bin/ruff check --no-cache .")
    project.run(f"{sys.prefix}/bin/ruff format --no-cache --check .")


def test_every_import_of_its_own_code_finds_it(project: BakedProject) -> None:
    """So each file that is needed is there. What stands in a file, mypy knows better."""
    own = modules(project.package) | modules(project.path / "tests")
    for name, path in own.items():
        for imported in imported_by(text(path), name, path):
            if imported.partition(".")[0] in own:
                assert imported in own or imported.rpartition(".")[0] in own, f"{path}: {imported}"


@cache
def imported_by(code: str, name: str, path: Path) -> list[str]:
    """What a module imports, found once for all combinations that have it."""
    nodes = ast.walk(ast.parse(code))
    return [imported for node in nodes for imported in imports(node, name, path)]


@pytest.mark.slow
def test_nothing_in_it_is_dead(project: BakedProject) -> None:
    assert unused(project) == []


def test_every_setting_is_documented_and_reaches_the_container(project: BakedProject) -> None:
    (settings,) = (
        node
        for node in ast.parse(text(project.package / "settings.py")).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    read = {
        node.target.id.upper()
        for node in settings.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    documented = re.findall(
        r"^(?:# ?)?([A-Z_]+)=", text(project.path / ".env.example"), re.MULTILINE
    )
    compose = yaml.safe_load(text(project.path / "compose.yaml"))
    table = text(project.path / "README.md").partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[A-Z].*?) \|", table, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == read
    assert set(documented) == read
    assert set(compose["services"]["web"]["environment"]) == read


def test_containers_are_those_of_the_chosen_backends(project: BakedProject) -> None:
    compose = yaml.safe_load(text(project.path / "compose.yaml"))["services"]
    servers = {role for role, question in ROLES.items() if project.answers[question] in KINDS}
    migrated = {"migrate"} if project.answers["database"] != "none" else set()
    assert compose.keys() == {"web"} | servers | migrated
    for service in compose.values():
        assert compose.keys() >= {*service.get("depends_on", [])}
    if servers:
        published = yaml.safe_load(text(project.path / "compose.dev.yaml"))["services"]
        assert published.keys() == servers


@pytest.fixture(scope="module")
def installed(
    project: BakedProject,
    servers: Servers,
) -> Iterator[BakedProject]:
    """The project in a fresh environment of what it declares, with servers that hold nothing."""
    demand_servers(project.answers)
    with servers.environment(project.answers, database=f"service_{os.getpid()}") as urls:
        project = replace(project, variables={**environment(), **urls})
        project.run("make install")
        yield project


@pytest.mark.run
def test_its_own_checks_pass(
    installed: BakedProject, record_property: Callable[[str, object], None]
) -> None:
    # A folder of pytest's own making would be one of many, which it clears away each time.
    said = installed.run("make check", PYTEST_ADDOPTS=f"--basetemp={installed.path}-tests")
    closing = re.search(r"=+ (\d+) passed in [^=]+=+", said)
    assert closing, said  # none was skipped
    record_property("own_tests", int(closing[1]))


@pytest.mark.run
def test_it_serves(installed: BakedProject) -> None:
    variables = {"API_TOKEN": "a-token-for-the-suite", "WEB_CONCURRENCY": "2"}
    if installed.answers["cache_backend"] == "simple":
        variables["WEB_CONCURRENCY"] = "1"
    before = [PATIENT] if installed.answers["database"] == "none" else [PREPARE, PATIENT]

    with installed.serving(*before, **variables) as client:
        assert client.get("/livez").status_code == 200
        wait_until(lambda: client.get("/readyz").status_code == 200)
        catalogue = client.get("/api/products").json()
        assert catalogue["total"] >= 40
        product = catalogue["items"][0]
        page = client.get("/")
        assert page.status_code == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert product["name"] in html.unescape(page.text)
        client.post("/cart/add", data={"product_id": product["id"], "quantity": 3})
        assert client.get("/cart/summary").json()["count"] == 3
        if installed.answers["database"] != "none":
            see_every_write(client, product, variables["API_TOKEN"])

    with installed.serving(PATIENT, WEB_CONCURRENCY="1") as restarted:
        restarted.cookies = client.cookies
        assert restarted.get("/cart/summary").json()["count"] == 3


def see_every_write(client: httpx.Client, product: dict[str, Any], token: str) -> None:
    """Write again and again, and read what was written by the next request, by any worker."""
    path = f"/api/products/{product.pop('id')}"
    for stock in range(1, 11):
        written = client.put(
            path, json=product | {"stock": stock}, headers={"Authorization": f"Bearer {token}"}
        )
        assert written.is_success, written.text
        for _ in range(3):  # connections of their own, which another worker may accept
            seen = get(client.base_url.join(path))
            assert seen.json()["stock"] == stock, seen.headers.get("Cache-Status")


def text(path: Path) -> str:
    return path.read_text(errors="replace")
