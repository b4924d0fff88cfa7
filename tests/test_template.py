"""The template's source: plain Python, whatever is chosen."""

import ast
import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path

from tests.questions import REPOSITORY, TEMPLATE


def test_the_source_parses_unrendered() -> None:
    sources = [*TEMPLATE.rglob("*.py")]
    broken = [path for path in sources if not parses(path.read_text())]
    assert len(broken) <= 0.05 * len(sources), broken


def test_the_source_is_linted() -> None:
    ruff = [f"{sys.prefix}/bin/ruff", "check", "--config=pyproject.toml", "--no-cache"]
    done = subprocess.run([*ruff, TEMPLATE], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout


def test_what_holds_no_template_syntax_is_copied() -> None:
    """Copying takes a fraction of the time of rendering.

    Files only: of a folder, --overwrite-if-exists would delete what the team put there.
    """
    patterns = json.loads((REPOSITORY / "cookiecutter.json").read_text())["_copy_without_render"]
    paths = {str(path.relative_to(TEMPLATE)): path for path in TEMPLATE.rglob("*")}
    copied = set()
    for pattern in patterns:
        matching = fnmatch.filter(paths, pattern)
        assert matching, f"{pattern} matches nothing"
        copied.update(matching)
    assert copied == {name for name, path in paths.items() if path.is_file() and plain(path)}


def plain(path: Path) -> bool:
    """Whether the file has no template syntax. `{{ }}` without `cookiecutter` in it is Flask's."""
    return not re.search(r"# \{%|\{\{.*cookiecutter", path.read_text())


def parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True
