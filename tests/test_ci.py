"""What the CI services read: as they define it, and as careful as they recommend."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.answers import rendered
from tests.project import bake
from tests.published import commit, git
from tests.questions import REPOSITORY, TEMPLATE, combinations

SCHEMAS = {
    ".github/workflows/ci.yml": ["vendor.github-workflows"],
    ".github/workflows/release.yml": ["vendor.github-workflows"],
    ".github/dependabot.yml": ["vendor.dependabot"],
    ".gitlab-ci.yml": ["vendor.gitlab-ci", "--data-transform=gitlab-ci"],
}
# A major version of an action is its author's word; a commit would be one nobody here has read.
ZIZMOR = "rules: { unpinned-uses: { config: { policies: { '*': ref-pin } } } }"


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each way in which a file of the CI comes out, and this repository's own."""
    folder = tmp_path_factory.mktemp("ci")
    for file in SCHEMAS:
        texts = set()
        if (TEMPLATE / file).exists():
            texts |= {rendered(file, answers) for answers in combinations().values()}
        if (REPOSITORY / file).exists():
            texts.add((REPOSITORY / file).read_text())
        for number, text in enumerate(sorted(texts)):
            path = folder / f"{Path(file).stem}-{number}" / file
            path.parent.mkdir(parents=True)
            path.write_text(text)
    return folder


@pytest.mark.parametrize("file", SCHEMAS)
def test_every_file_is_what_its_service_defines(repositories: Path, file: str) -> None:
    schema, *options = SCHEMAS[file]
    check(
        *("check-jsonschema", "--builtin-schema", schema, *options),
        *map(str, repositories.glob(f"*/{file}")),
    )


def test_no_workflow_gives_away_more_than_it_must(repositories: Path) -> None:
    (repositories / "zizmor.yml").write_text(ZIZMOR)
    config = f"--config={repositories / 'zizmor.yml'}"
    check("zizmor", "--offline", "--quiet", config, str(repositories))


@pytest.mark.run
def test_a_new_project_passes_its_own_hooks(place: Path) -> None:
    project = bake(place, {})
    project.run("make install")
    git(project.path, "init", "--quiet")
    commit(project.path, "Begin")
    project.run("uv run pre-commit run --all-files")


def check(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [f"{sys.prefix}/bin/{program}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
