"""Answers as somebody types them, and what cookiecutter makes of them, without a command line."""

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from cookiecutter.utils import create_env_with_context
from jinja2 import Environment, FileSystemLoader

from tests.questions import REPOSITORY, TEMPLATE, refuse_unknown

# Where answers stand as text; the other files hold only what is chosen from a list.
FREE_TEXT = re.compile(r"cookiecutter\.(__)?(project_name|description|author_name|author_email)")
TEXT_FILES = sorted(
    str(path.relative_to(TEMPLATE))
    for path in TEMPLATE.rglob("*")
    if path.is_file() and FREE_TEXT.search(path.read_text(errors="replace"))
)


def typed(answers: Mapping[str, str]) -> dict[str, Any]:
    """cookiecutter's context after these answers at its prompt, and Enter for the others.

    What is typed is not rendered, while cookiecutter renders what comes with --no-input.
    """
    refuse_unknown(answers)
    context: dict[str, Any] = generate_context(str(REPOSITORY / "cookiecutter.json"))
    with (
        mock.patch("cookiecutter.prompt.create_env_with_context", return_value=environment()),
        mock.patch(
            "cookiecutter.prompt.read_user_variable",
            lambda question, default, *_: answers.get(question, default),
        ),
        mock.patch(
            "cookiecutter.prompt.read_user_choice",
            lambda question, choices, *_: answers.get(question, choices[0]),
        ),
    ):
        context["cookiecutter"].update(prompt_for_config(context))
    return context


def rendered(file: str, answers: Mapping[str, str]) -> str:
    """What cookiecutter writes to a file of the template, given by its path there."""
    return environment().get_template(file).render(**typed(answers))


def refusal(answers: Mapping[str, str]) -> str | None:
    """The sentence with which the answers are refused."""
    try:
        rules(answers)
    except SystemExit as exit:
        return str(exit.code)
    return None


def rules(answers: Mapping[str, str]) -> dict[str, Any]:
    """The names that hooks/pre_gen_project.py defines when it accepts the answers."""
    names: dict[str, Any] = {}
    source = environment().get_template("pre_gen_project.py").render(**typed(answers))
    exec(compile(source, "pre_gen_project.py", "exec"), names)
    return names


@functools.cache
def environment() -> Environment:
    """cookiecutter's, which compiles each file and each default of cookiecutter.json once."""
    context = {"cookiecutter": json.loads((REPOSITORY / "cookiecutter.json").read_text())}
    environment: Environment = create_env_with_context(context)
    vars(environment)["from_string"] = functools.cache(environment.from_string)
    environment.loader = FileSystemLoader([TEMPLATE, REPOSITORY / "hooks"])
    return environment


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything under a folder: mode and content by path. Folders have none."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }
