"""What a developer's tools read: Compose, dev containers, editors."""

import configparser
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tests.answers import rendered
from tests.containers.stack import docker
from tests.project import BakedProject, bake
from tests.questions import BACKENDS, REPOSITORY, TEMPLATE, combinations, pairs
from tests.table import owners_of, parts

COMPOSE_FILES = [
    "compose.yaml",
    "compose.dev.yaml",
    "compose.watch.yaml",
    ".devcontainer/compose.yaml",
]
DEV_CONTAINER = ".devcontainer/devcontainer.json"
INDENTED = {".py", ".yaml", ".yml", ".toml", ".json", ".html", ".css", ".js"}
SOME = ["redis redis postgresql", "memcached sql mysql", "simple cookie none"]


def having(file: str) -> Iterator[dict[str, str]]:
    """The answers of combinations that have a file of the template: each two answers meet."""
    owners = owners_of(TEMPLATE / file)
    for name in sorted(pairs()):
        answers = combinations()[name]
        if not owners or not owners.isdisjoint(parts(answers)):
            yield answers


@pytest.fixture(params=SOME)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> BakedProject:
    return bake(tmp_path, dict(zip(BACKENDS, request.param.split(), strict=True)))


@pytest.mark.parametrize("file", COMPOSE_FILES)
def test_every_compose_file_is_what_compose_defines(file: str, tmp_path: Path) -> None:
    texts = {rendered(file, answers) for answers in having(file)}
    for number, text in enumerate(sorted(texts)):
        (tmp_path / f"{number}.yaml").write_text(text)
    done = subprocess.run(
        [
            *(f"{sys.prefix}/bin/check-jsonschema", "--builtin-schema=vendor.compose-spec"),
            *tmp_path.iterdir(),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_compose_joins_the_files(project: BakedProject) -> None:
    if not docker("compose", "version"):
        pytest.skip("Docker Compose is not installed")
    project.run("make .env")
    watched = json.loads(
        project.run("docker compose -f compose.yaml -f compose.watch.yaml config --format=json")
    )["services"]["web"]
    assert watched["read_only"]  # as in production
    assert watched["build"]["context"] == str(project.path)
    assert watched["volumes"][-1]["source"] == str(project.path / "src")
    assert {rule["action"] for rule in watched["develop"]["watch"]} == {"rebuild"}
    dev_container = json.loads((project.path / DEV_CONTAINER).read_text())
    if "dockerComposeFile" in dev_container:
        files = [
            f"--file={(project.path / '.devcontainer' / file).resolve()}"
            for file in dev_container["dockerComposeFile"]
        ]
        services = json.loads(
            project.run(["docker", "compose", *files, "config", "--format=json"])
        )["services"]
        mounted = {
            mount["target"]: mount["source"]
            for mount in services[dev_container["service"]]["volumes"]
        }
        assert mounted == {dev_container["workspaceFolder"]: str(project.path)}


def test_the_code_that_is_watched_is_where_the_image_has_it(project: BakedProject) -> None:
    watch = yaml.safe_load((project.path / "compose.watch.yaml").read_text())["services"]["web"]
    (volume,) = watch["volumes"]
    assert volume == "./src:/code:ro"
    dockerfile = (project.path / "Dockerfile").read_text()
    assert " PYTHONPATH=/code " in dockerfile
    assert f"FLASK_APP={project.package.name}\n" in dockerfile
    copied = re.findall(r"^COPY (\S+) ", dockerfile, re.MULTILINE)
    assert {rule["path"] for rule in watch["develop"]["watch"]} <= {*copied, "uv.lock"}
    makefile = (project.path / "Makefile").read_text()
    assert "docker compose -f compose.yaml -f compose.watch.yaml watch\n" in makefile


def test_the_dev_container_has_the_chosen_servers_and_nothing_else() -> None:
    for answers in having(DEV_CONTAINER):
        container = json.loads(rendered(DEV_CONTAINER, answers))
        compose = yaml.safe_load(rendered("compose.yaml", answers))["services"]
        servers = compose.keys() - {"web", "migrate"}
        assert {*container.get("runServices", [])} == servers
        assert ("image" in container) != bool(servers)
        assert container["forwardPorts"] == [8000]
        if not servers:
            continue
        assert container["dockerComposeFile"] == ["../compose.yaml", "compose.yaml"]
        ((name, dev),) = yaml.safe_load(rendered(".devcontainer/compose.yaml", answers))[
            "services"
        ].items()
        assert container["service"] == name
        assert name not in compose
        urls = {
            key: url for key, url in compose["web"]["environment"].items() if key.endswith("_URL")
        }
        assert dev["environment"].items() >= urls.items()


def test_dev_containers_with_and_without_servers_are_alike() -> None:
    """In both, uv makes the environment where the editor looks for it."""
    with_servers = {"cache_backend": "redis"}
    images = set()
    for answers in (with_servers, {}):
        container = json.loads(rendered(DEV_CONTAINER, answers))
        dev = container
        if answers:
            dev = yaml.safe_load(rendered(".devcontainer/compose.yaml", answers))["services"]["dev"]
        images.add(dev["image"])
        folder = (dev.get("containerEnv") or dev["environment"])["UV_PROJECT_ENVIRONMENT"]
        settings = container["customizations"]["vscode"]["settings"]
        assert settings["python.defaultInterpreterPath"] == f"{folder}/bin/python"
        assert folder.startswith(f"/home/{container['remoteUser']}/")
    assert len(images) == 1


def tracked() -> list[Path]:
    """The text files of this repository, the template's too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    paths = [REPOSITORY / name for name in listed.split("\0") if name]
    return [
        path for path in paths if path.suffix not in (".png", ".svg", ".lock") and path.is_file()
    ]


def style(path: Path) -> dict[str, str]:
    """What .editorconfig says of a file: the later section wins."""
    parser = configparser.ConfigParser()
    parser.read_string("[root]\n" + (REPOSITORY / ".editorconfig").read_text())
    assert parser["root"]["root"] == "true"
    found: dict[str, str] = {}
    for section in parser.sections()[1:]:
        before, _, rest = section.partition("{")
        inner, _, after = rest.partition("}")
        names = [before + choice + after for choice in inner.split(",")] if rest else [section]
        if any(fnmatch(path.name, name) for name in names):
            found |= parser[section]
    return found


def test_every_file_is_as_editors_are_told() -> None:
    for path in tracked():
        told, data = style(path), path.read_bytes()
        text = data.decode(told["charset"])
        assert b"\r" not in data, path
        assert not text or text.endswith("\n"), path
        lines = text.splitlines()
        assert [line for line in lines if line != line.rstrip(" \t")] == [], path
        indents = {line[: len(line) - len(line.lstrip())] for line in lines}
        if told["indent_style"] == "space":
            assert not any("\t" in indent for indent in indents), path
        else:
            assert "\t" in indents, path


def test_new_lines_are_indented_like_those_that_are_there() -> None:
    """Apart from some text inside: the lines of another language, or of a table."""
    for path in tracked():
        if path.suffix in INDENTED and path.name != "serving.json":  # which a program writes
            size = int(style(path)["indent_size"])
            lines = path.read_text().splitlines()
            widths = [len(line) - len(line.lstrip(" ")) for line in lines if line[:1] == " "]
            assert not widths or size in widths, path
            assert sum(width % size == 0 for width in widths) >= 0.9 * len(widths), path


def test_editors_and_ruff_agree_about_long_lines() -> None:
    for folder in (REPOSITORY, TEMPLATE):
        ruff = (
            rendered("pyproject.toml", {})
            if folder is TEMPLATE
            else (folder / "pyproject.toml").read_text()
        )
        longest = tomllib.loads(ruff)["tool"]["ruff"]["line-length"]
        assert style(Path("any.py"))["max_line_length"] == str(longest)
    assert (TEMPLATE / ".editorconfig").read_bytes() == (REPOSITORY / ".editorconfig").read_bytes()
