"""The template as others get it: a git repository with a release."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.project import environment
from tests.questions import REPOSITORY, TEMPLATE


def publish(repository: Path) -> None:
    """Make a git repository of the template as it is here, with the tag 1.0.0."""
    skip = shutil.ignore_patterns("__pycache__", ".*_cache")
    for folder in (TEMPLATE, REPOSITORY / "hooks"):
        shutil.copytree(folder, repository / folder.name, ignore=skip)
    shutil.copy(REPOSITORY / "cookiecutter.json", repository)
    git(repository, "init", "--quiet", "--initial-branch=main")
    commit(repository, "Release 1.0.0")
    git(repository, "tag", "1.0.0")


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", f"--message={message}")


def git(folder: Path, *arguments: str) -> str:
    """The output of git, which knows nothing of this machine's configuration."""
    return subprocess.run(
        ["git", "-c", "user.name=Suite", "-c", "user.email=suite@example.com", *arguments],
        cwd=folder,
        env={**environment(), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
