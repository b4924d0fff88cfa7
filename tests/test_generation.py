"""Generating: exact, repeatable, alone with Python, from wherever the template is."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.answers import snapshot
from tests.project import bake, cookiecutter, environment
from tests.published import commit, git, publish
from tests.questions import CHOICES, REPOSITORY, TEMPLATE

pytestmark = pytest.mark.slow

# Tells what a Python process does that needs more than Python and the disk.
AUDIT = """
import os, sys

def tell(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "os.system", "os.exec"):
        what = event
    elif event in ("subprocess.Popen", "os.posix_spawn") and arguments[0] != sys.executable:
        what = arguments[0]
    else:
        return
    with open(os.environ["TOLD"], "a") as file:
        file.write(f"{what}\\n")

sys.addaudithook(tell)
"""
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def test_overwriting_another_choice_gives_the_same_bytes_as_generating_anew(tmp_path: Path) -> None:
    """Each choice once, over a project with all other choices."""
    turns = max(map(len, CHOICES.values()))
    for turn in range(turns):
        answers = {question: choices[turn % len(choices)] for question, choices in CHOICES.items()}
        fresh = bake(tmp_path / str(turn), answers).path
        given = (f"{question}={answer}" for question, answer in answers.items())
        done = cookiecutter(tmp_path / "same", "--overwrite-if-exists", *given)
        assert done.returncode == 0, done.stderr
        assert snapshot(tmp_path / "same" / "my-service") == snapshot(fresh)


def test_overwriting_keeps_what_the_team_put_beside(tmp_path: Path) -> None:
    project = bake(tmp_path, {"database": "postgresql", "ci": "github"})
    ours = [
        project.path / ".github" / "CODEOWNERS",
        project.package / "migrations" / "versions" / "0002_ours.py",
        project.package / "templates" / "ours.html",
        project.package / "engine" / "caching" / "ours.py",
    ]
    for path in ours:
        path.write_text("ours\n")
    done = cookiecutter(
        tmp_path, "--overwrite-if-exists", "cache_backend=none", "database=none", "ci=none"
    )
    assert done.returncode == 0, done.stderr
    assert [path.read_text() for path in ours] == ["ours\n"] * len(ours)
    assert not (project.package / "database.py").exists()
    assert not (project.path / ".github" / "workflows").exists()
    assert [*(project.package / "engine" / "caching").iterdir()] == [ours[-1]]


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "my-service").mkdir()
    (tmp_path / "my-service" / "kept").write_text("ours")
    before = snapshot(tmp_path)
    done = cookiecutter(tmp_path)
    assert done.returncode == 1
    assert "already exists" in done.stdout
    assert snapshot(tmp_path) == before


def test_generating_needs_python_and_nothing_else(tmp_path: Path) -> None:
    """No network, no git, Docker, uv or any other program: with an empty PATH."""
    (tmp_path / "sitecustomize.py").write_text(AUDIT)
    told = tmp_path / "told"
    told.touch()
    done = cookiecutter(
        tmp_path / "output", PATH="", PYTHONPATH=str(tmp_path), TOLD=str(told), GIT_DIR="/nowhere"
    )
    assert done.returncode == 0, done.stderr
    assert told.read_text() == ""


def test_every_path_is_legal_on_windows_and_macos() -> None:
    """All combinations' paths are among the template's."""
    longest_name = "x" * 40
    seen = set()
    for path in TEMPLATE.rglob("*"):
        relative = str(path.relative_to(TEMPLATE))
        rendered = relative.replace("{{cookiecutter.package_name}}", longest_name)
        for part in rendered.split(os.sep):
            assert re.fullmatch(r"[A-Za-z0-9._-]*[A-Za-z0-9_]", part), rendered
            assert not DEVICES.match(part), rendered
        assert len(rendered) <= 150, f"{rendered} leaves little of Windows' 260"
        assert rendered.lower() not in seen, f"{rendered} differs in case only"
        seen.add(rendered.lower())


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A git repository of the template: a release, and a file that is newer."""
    repository = tmp_path / "flask-cache-template.git"
    publish(repository)
    (repository / TEMPLATE.name / "NEWS").write_text("of the day\n")
    commit(repository, "Tell the news")
    return repository


@pytest.mark.parametrize(("checkout", "news"), [(None, True), ("1.0.0", False)])
def test_from_a_git_url_at_its_head_or_at_a_release(
    checkout: str | None, news: bool, release: Path, tmp_path: Path
) -> None:
    at = [f"--checkout={checkout}"] if checkout else []
    done = cookiecutter(tmp_path / "output", *at, template=f"file://{release}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "output" / "my-service" / "NEWS").exists() == news


def test_from_a_zip(release: Path, tmp_path: Path) -> None:
    archive = tmp_path / "template.zip"
    git(release, "archive", "--prefix=flask-cache-template-main/", f"--output={archive}", "HEAD")
    done = cookiecutter(tmp_path / "output", template=archive)
    assert done.returncode == 0, done.stderr
    assert snapshot(tmp_path / "output" / "my-service").keys() >= {"pyproject.toml", "NEWS"}


def test_a_configuration_file_answers(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("default_context:\n  author_name: Zoë\n  cache_backend: redis\n")
    done = cookiecutter(tmp_path / "output", f"--config-file={config}")
    assert done.returncode == 0, done.stderr
    project = tmp_path / "output" / "my-service"
    assert 'name = "Zoë"' in (project / "pyproject.toml").read_text()
    assert (project / "src" / "my_service" / "engine" / "caching" / "stores" / "redis.py").exists()


def test_a_replay_repeats_the_answers(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    answers = {"project_name": 'The "other"', "database": "mysql", "ci": "none"}
    given = (f"{question}={answer}" for question, answer in answers.items())
    done = cookiecutter(tmp_path / "first", *given, HOME=str(home))
    assert done.returncode == 0, done.stderr
    replayed = subprocess.run(
        [
            *(f"{sys.prefix}/bin/cookiecutter", "--replay"),
            *(f"--output-dir={tmp_path}/second", REPOSITORY),
        ],
        env={**environment(), "HOME": str(home), "TMPDIR": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert replayed.returncode == 0, replayed.stderr
    assert snapshot(tmp_path / "first") == snapshot(tmp_path / "second")
    (saved,) = (home / ".cookiecutter_replay").iterdir()
    assert json.loads(saved.read_text())["cookiecutter"]["database"] == "mysql"
