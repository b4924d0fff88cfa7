"""The template's source: plain Python, whatever is chosen."""

import ast
import fnmatch
import json
import re
import subprocess
import sys

from tests.questions import REPOSITORY, TEMPLATE


def test_the_source_parses_unrendered() -> None:
    sources = [*TEMPLATE.rglob("*.py")]
    broken = [path for path in sources if not parses(path.read_text())]
    assert len(broken) <= 0.05 * len(sources), broken


def test_the_source_is_linted() -> None:
    ruff = [f"{sys.prefix}/bin/ruff", "check", "--config=pyproject.toml", "--no-cache"]
    done = subprocess.run([*ruff, TEMPLATE], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout


def test_what_is_copied_holds_no_template_syntax() -> None:
    """Copying takes a fraction of the time of rendering.

    Files only: of a folder, --overwrite-if-exists would delete what the team put there.
    """
    patterns = json.loads((REPOSITORY / "cookiecutter.json").read_text())["_copy_without_render"]
    paths = {str(path.relative_to(REPOSITORY)): path for path in TEMPLATE.rglob("*")}
    for pattern in patterns:
        matching = [paths[path] for path in fnmatch.filter(paths, pattern)]
        assert matching, f"{pattern} matches nothing"
        for path in matching:
            assert path.is_file(), path
            if path.suffix != ".html":
                assert not re.search(r"# \{%|\{\{", path.read_text()), path


def parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True
