"""The tables of cookiecutter.json, `_choices` and `_shared`: what each choice needs."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.answers import typed
from tests.questions import REPOSITORY, TEMPLATE

# The keys under which an entry of `_choices` says more, and the questions that they are about.
ROLES = {
    "cache": "cache_backend",
    "sessions": "session_store",
    "database": "database",
    "ci": "ci",
}
QUESTIONS = json.loads((REPOSITORY / "cookiecutter.json").read_text())
CHOICES: dict[str, dict[str, Any]] = QUESTIONS["_choices"]
SHARED: dict[str, dict[str, Any]] = QUESTIONS["_shared"]
PACKAGE = "{{cookiecutter.package_name}}"


def parts(answers: Mapping[str, str]) -> set[str]:
    """The names of the entries that a project with these answers is made of."""
    return {*typed(answers)["cookiecutter"]["__parts"].split()}


def listed(name: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The paths of an entry in the template, each after the name of what needs it."""
    for path in entry.get("files", []):
        yield name, path.replace("{package}", PACKAGE)
    for role in ROLES.keys() & entry.keys():
        yield from listed(f"{role}={name}", entry[role])


@cache
def owners() -> dict[str, set[str]]:
    """The names of what needs a path, by path."""
    owners: dict[str, set[str]] = {}
    for name, entry in (SHARED | CHOICES).items():
        for owner, path in listed(name, entry):
            owners.setdefault(path, set()).add(owner)
    return owners


def owners_of(file: Path) -> set[str]:
    """The names of what needs a file of the template: any of them does; none is every project.

    A folder that is listed stands for the files in it that are not.
    """
    relative = file.relative_to(TEMPLATE)
    for path in (relative, *relative.parents):
        if str(path) in owners():
            return owners()[str(path)]
    return set()


def files(answers: Mapping[str, str]) -> set[Path]:
    """The files of the template that a project with these answers has."""
    chosen = parts(answers)
    return {
        path
        for path in TEMPLATE.rglob("*")
        if path.is_file() and not (owners_of(path) and chosen.isdisjoint(owners_of(path)))
    }
