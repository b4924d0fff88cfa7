"""Updates: a project follows the template's next release with cruft, and keeps what is its own."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import bake, environment
from tests.published import commit, git, publish
from tests.questions import CHOICES, REPOSITORY, TEMPLATE


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = tmp_path / "flask-cache-template"
    publish(repository)
    return repository


def cruft(folder: Path, *arguments: str) -> str:
    """The output of cruft. Raises CalledProcessError when it is not content."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [f"{sys.prefix}/bin/cruft", *arguments],
        cwd=folder,
        env={**environment(), "HOME": str(home), "TMPDIR": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout


def create(repository: Path, folder: Path, *options: str) -> Path:
    """A project of the release 1.0.0, in a git repository without a commit."""
    cruft(folder, "create", str(repository), "--checkout=1.0.0", "--no-input", *options)
    git(folder / "my-service", "init", "--quiet")
    return folder / "my-service"


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, -1])
def test_a_release_reaches_a_project_that_has_gone_on(
    turn: int, repository: Path, tmp_path: Path
) -> None:
    answers = {question: choices[turn] for question, choices in CHOICES.items()}
    awkward = {"description": 'It\'s "quoted" \\ & <b>', "author_name": "Zoë 🚀"}
    given = json.dumps(answers | awkward)
    project = create(repository, tmp_path, f"--extra-context={given}")
    commit(project, "Generate")
    assert cruft(project, "diff", "--exit-code") == ""
    cruft(project, "check")

    ours = {
        "src/my_service/orders.py": '"""Ours."""\n',
        "README.md": append(project / "README.md", "\n## Ours\n"),
        "src/my_service/shop/api.py": append(project / "src/my_service/shop/api.py", "# ours\n"),
    }
    for path, content in ours.items():
        (project / path).write_text(content)
    commit(project, "Go on")

    theirs = repository / TEMPLATE.name
    settings = theirs / "src" / "{{cookiecutter.package_name}}" / "settings.py"
    settings.write_text(settings.read_text().replace('"""', '"""Newer. ', 1))
    readme = theirs / "README.md"
    readme.write_text(readme.read_text().replace("## Settings", "## All settings"))
    (theirs / "NEWS").write_text("of {{ cookiecutter.project_slug }}\n")
    commit(repository, "Release 1.1.0")
    git(repository, "tag", "1.1.0")

    with pytest.raises(subprocess.CalledProcessError):
        cruft(project, "check")
    cruft(project, "update", "--skip-apply-ask", "--checkout=1.1.0")
    assert [*project.rglob("*.rej"), *project.rglob("*.orig")] == []
    changed = {line[3:] for line in git(project, "status", "--porcelain").splitlines()}
    assert changed == {".cruft.json", "NEWS", "README.md", "src/my_service/settings.py"}
    assert (project / "NEWS").read_text() == "of my-service\n"
    assert '"""Newer. ' in (project / "src/my_service/settings.py").read_text()
    followed = (project / "README.md").read_text()
    assert "## All settings" in followed
    assert followed.endswith("\n## Ours\n")
    assert (project / "src/my_service/shop/api.py").read_text().endswith("# ours\n")
    cruft(project, "check")


def append(path: Path, text: str) -> str:
    return path.read_text() + text


@pytest.mark.slow
def test_a_release_reaches_a_project_whose_package_has_another_name(
    repository: Path, tmp_path: Path
) -> None:
    project = create(repository, tmp_path)
    commit(project, "Generate")
    git(project, "mv", "src/my_service", "src/shop_service")
    for path in project.rglob("*"):
        if path.is_file() and ".git" not in path.relative_to(project).parts:
            path.write_text(path.read_text().replace("my_service", "shop_service"))
    cruft_file = project / ".cruft.json"  # says what was answered
    cruft_file.write_text(cruft_file.read_text().replace("shop_service", "my_service"))
    commit(project, "Rename the package")

    engine = repository / TEMPLATE.name / "src" / "{{cookiecutter.package_name}}" / "engine"
    urls = engine / "urls.py"
    urls.write_text(urls.read_text().replace('"""', '"""Newer. ', 1))
    commit(repository, "Release 1.1.0")
    git(repository, "tag", "1.1.0")

    (told,) = re.findall(
        r"`(cruft update --variables-to-update .*?)`", (project / "README.md").read_text()
    )
    command = shlex.split(told.replace("new_name", "shop_service"))[1:]
    cruft(project, *command, "--skip-apply-ask", "--checkout=1.1.0")
    assert '"""Newer. ' in (project / "src/shop_service/engine/urls.py").read_text()
    assert not (project / "src/my_service").exists()
    assert [*project.rglob("*.rej"), *project.rglob("*.orig")] == []
    cruft(project, "check")


@pytest.mark.slow
def test_a_project_gets_another_backend_as_the_readme_says(
    repository: Path, tmp_path: Path
) -> None:
    project = create(repository, tmp_path)
    own = project / "src/my_service/orders.py"
    own.write_text('"""Ours."""\n')
    commit(project, "Generate, and go on")

    (told,) = re.findall(
        r"`uvx (cruft update --variables-to-update .*?)`", (REPOSITORY / "README.md").read_text()
    )
    cruft(project, *shlex.split(told)[1:], "--skip-apply-ask")

    new = bake(tmp_path / "new", {"cache_backend": "redis"}).path
    own.unlink()
    (project / ".cruft.json").unlink()
    assert files(project) == files(new)


def files(folder: Path) -> dict[Path, bytes]:
    """What is in a project, without git's own files."""
    found = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(folder): path.read_bytes() for path in found}


@pytest.mark.slow
def test_a_project_that_was_generated_without_cruft_is_linked(
    repository: Path, tmp_path: Path
) -> None:
    project = bake(tmp_path, {}).path
    git(project, "init", "--quiet")
    commit(project, "Generate")
    cruft(project, "link", str(repository), "--checkout=1.0.0", "--no-input")
    assert cruft(project, "diff", "--exit-code") == ""
