"""A backend is added as CONTRIBUTING.md says: its file, its choice, its entry in the table."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project import cookiecutter, environment
from tests.questions import REPOSITORY, TEMPLATE
from tests.table import PACKAGE

STORE = '''"""The cache in a dictionary: for a test of how a backend is added."""

from datetime import timedelta
from typing import Any

from flask import Flask
from flask_caching.backends.base import BaseCache

SCHEMES = ("dict",)


class Store(BaseCache):
    def __init__(self, default_timeout: int) -> None:
        super().__init__(default_timeout)
        self._values: dict[str, bytes] = {}

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> "Store":
        return cls(kwargs["default_timeout"])

    def get_many(self, *keys: str) -> list[Any]:
        return [self._values.get(key) for key in keys]

    def set(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        self._values[key] = value
        return True

    def add(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        return self._values.setdefault(key, value) is value

    def delete_many(self, *keys: str) -> list[str]:
        return [key for key in keys if self._values.pop(key, None) is not None]

    def stats(self) -> dict[str, int]:
        return {"entries": len(self._values)}
'''
FILE = f"src/{PACKAGE}/engine/caching/stores/dictionary.py"
# What a project's own code does with the engine, which needs no service above it.
USE = """
from host.engine import speakers

store = speakers.speaker("host.engine.caching.stores", "dict://").Store(300)
assert store.add("key", b"value")
assert not store.add("key", b"other")
print(*speakers.speakers("host.engine.caching.stores"), store.get_many("key"))
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the cache backend `dict`."""
    copy = tmp_path_factory.mktemp("template")
    for folder in (TEMPLATE, REPOSITORY / "hooks"):
        shutil.copytree(folder, copy / folder.name)
    (copy / TEMPLATE.name / FILE).write_text(STORE)
    questions: dict[str, Any] = json.loads((REPOSITORY / "cookiecutter.json").read_text())
    questions["cache_backend"].append("dict")
    questions["__prompts__"]["cache_backend"]["dict"] = "In a dictionary"
    questions["_choices"]["dict"] = {
        "words": "dictionary",
        "packages": {"sortedcontainers": ">=2,<3"},
        "cache": {
            "url": "dict://",
            "needs": ["caching"],
            "files": [FILE.replace(PACKAGE, "{package}")],
        },
    }
    (copy / "cookiecutter.json").write_text(json.dumps(questions))
    return copy


def test_a_project_has_the_backend_that_it_asks_for(template: Path, tmp_path: Path) -> None:
    project = bake(template, tmp_path / "output", "cache_backend=dict")
    stores = project / "src/my_service/engine/caching/stores"
    assert {path.stem for path in stores.iterdir()} - {"__init__"} == {"dictionary"}
    assert "# CACHE_URL=dict://\n" in (project / ".env.example").read_text()
    assert 'CACHE_URL: "dict://"\n' in (project / "compose.yaml").read_text()
    assert '    "sortedcontainers>=2,<3",\n' in (project / "pyproject.toml").read_text()
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "engine").symlink_to(project / "src/my_service/engine")
    used = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert used.stdout == "dict [b'value']\n", used.stderr


def test_other_projects_know_nothing_of_it(template: Path, tmp_path: Path) -> None:
    project = bake(template, tmp_path, "cache_backend=redis")
    for path in project.rglob("*"):
        assert "dictionary" not in path.name
        assert path.is_dir() or "sortedcontainers" not in path.read_text()


def test_a_server_reaches_the_containers(template: Path, tmp_path: Path) -> None:
    """Without a line of its own in compose.yaml, compose.dev.yaml or .gitlab-ci.yml."""
    questions = json.loads((template / "cookiecutter.json").read_text())
    questions["_choices"]["dict"] |= {
        **{"image": "dict:1", "port": 4711, "health": "[CMD, ask]"},
        "environment": {"LANGUAGE": "en"},
    }
    questions["_choices"]["dict"]["cache"] |= {
        "url": "dict://localhost:{port}",
        "note": "it keeps words",
        "command": "dict --serve",
    }
    shutil.copytree(template, tmp_path / "template")
    (tmp_path / "template" / "cookiecutter.json").write_text(json.dumps(questions))
    project = bake(tmp_path / "template", tmp_path / "output", "cache_backend=dict", "ci=gitlab")
    gitlab = yaml.safe_load((project / ".gitlab-ci.yml").read_text())
    assert gitlab["check"]["services"] == [
        {"name": "dict:1", "alias": "cache", "variables": {"LANGUAGE": "en"}}
    ]
    assert '"127.0.0.1:4711:4711"' in (project / "compose.dev.yaml").read_text()
    compose = (project / "compose.yaml").read_text()
    assert yaml.safe_load(compose)["services"]["cache"]["environment"] == {"LANGUAGE": "en"}
    assert 'CACHE_URL: "dict://cache:4711"\n' in compose
    assert "  cache: # it keeps words\n    image: dict:1\n    command: dict --serve\n" in compose


def bake(template: Path, folder: Path, *answers: str) -> Path:
    done = cookiecutter(folder, *answers, template=template)
    assert done.returncode == 0, done.stderr
    return folder / "my-service"
