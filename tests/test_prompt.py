"""The questions, asked by cookiecutter in a terminal."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pexpect
import pytest

from tests.answers import snapshot
from tests.processes import states, wait_until
from tests.project import bake, environment
from tests.questions import CHOICES, QUESTIONS, REPOSITORY

pytestmark = pytest.mark.slow

Terminal: TypeAlias = "pexpect.spawn[str]"  # generic in its stubs only
TEXTS = [question for question in QUESTIONS if question not in CHOICES]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """cookiecutter, which is about to ask."""
    home = tmp_path / "home"
    home.mkdir()
    with pexpect.spawn(
        f"{sys.prefix}/bin/cookiecutter",
        [f"--output-dir={tmp_path}/output", str(REPOSITORY)],
        env={**environment(), "HOME": str(home), "TMPDIR": str(home), "TERM": "dumb"},
        encoding="utf-8",
        dimensions=(50, 200),
        timeout=30,
    ) as terminal:
        yield terminal


def test_enter_takes_every_default(terminal: Terminal, tmp_path: Path) -> None:
    for number in range(1, len(QUESTIONS) + 1):
        terminal.expect_exact(f"[{number}/{len(QUESTIONS)}]")
        terminal.expect(r"\): $")
        terminal.sendline("")
    ends_well(terminal)
    assert snapshot(tmp_path / "output") == snapshot(bake(tmp_path / "baked", {}).path.parent)


def test_choices_go_by_number_and_text_is_taken_as_typed(
    terminal: Terminal, tmp_path: Path
) -> None:
    """Also what cookiecutter would render if it came with --no-input."""
    text = "{{ cookiecutter.nothing }} # {% if \"x\" %} 'é' \\"
    for question in TEXTS:
        terminal.expect(r"\): $")
        terminal.sendline(text if question in ("description", "author_name") else "")
    for choices in CHOICES.values():
        last = str(len(choices))
        terminal.expect(r"\): $")
        terminal.sendline(f"{last}0")
        terminal.expect_exact("Please select one of the available options")
        terminal.expect(r"\): $")
        terminal.sendline(last)
    ends_well(terminal)
    answers = {question: choices[-1] for question, choices in CHOICES.items()}
    baked = snapshot(bake(tmp_path / "baked", answers).path.parent)
    typed = snapshot(tmp_path / "output")
    assert typed.keys() == baked.keys()
    differ = {path for path in typed if typed[path] != baked[path]}
    assert {Path(path).name for path in differ} == {"README.md", "about.toml", "pyproject.toml"}
    said = (tmp_path / "output" / "my-service" / "pyproject.toml").read_text()
    assert said.count(text.replace("\\", "\\\\").replace('"', '\\"')) == 2


@pytest.mark.parametrize("answered", [0, len(TEXTS), len(QUESTIONS) - 1])
def test_ctrl_c_leaves_nothing(answered: int, terminal: Terminal, tmp_path: Path) -> None:
    for _ in range(answered):
        terminal.expect(r"\): $")
        terminal.sendline("")
    terminal.expect(r"\): $")
    wait_until(lambda: states(terminal.pid or 0) == {"S"})
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus != 0
    assert not (tmp_path / "output").exists()


def ends_well(terminal: Terminal) -> None:
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 0
