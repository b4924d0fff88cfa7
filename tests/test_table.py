"""The tables of cookiecutter.json: whole, exact, and what the generated projects follow."""

import ast
from pathlib import Path

import pytest

from tests.project import bake
from tests.questions import CHOICES, TEMPLATE, combinations
from tests.servers import KINDS
from tests.table import CHOICES as TABLE
from tests.table import PACKAGE, ROLES, SHARED, files, owners, owners_of, parts

ENGINE = TEMPLATE / "src" / PACKAGE / "engine"
# Of the engine and its tests, what each project has. Every other file needs a line of the table.
EVERYWHERE = {
    *("engine/__init__.py", "engine/page.py", "engine/urls.py"),
    *("engine/compression.py", "engine/static.py"),
    *("engine/log.py", "engine/middleware.py", "engine/proxies.py", "engine/server.py"),
    *("engine/sessions/__init__.py", "engine/sessions/serializer.py"),
    *("tests/engine/__init__.py", "tests/engine/sessions/__init__.py", "tests/engine/test_page.py"),
    *("tests/engine/hub.py", "tests/engine/apart.py", "tests/engine/visitor.py"),
    *("tests/engine/conftest.py", "tests/engine/test_middleware.py"),
    *("tests/engine/test_compression.py", "tests/engine/test_static.py"),
}


def test_every_choice_of_every_question_has_an_entry() -> None:
    entries = {(role, choice) for choice, entry in TABLE.items() for role in ROLES.keys() & entry}
    assert entries == {
        (role, choice) for role, question in ROLES.items() for choice in CHOICES[question]
    }


def test_every_entry_says_which_words_are_its_own() -> None:
    """The matrix looks for them in the projects of the others. Some choices have none: "" """
    assert [choice for choice, entry in TABLE.items() if "words" not in entry] == []


def test_every_shared_entry_is_needed_and_no_other_is() -> None:
    needed = {
        part
        for choice, entry in TABLE.items()
        for needs in (entry, *(entry[role] for role in ROLES.keys() & entry))
        for part in needs.get("needs", [])
    }
    always = {"service"}
    with_an_image = {"server"}
    assert needed | always | with_an_image == SHARED.keys()


def test_every_server_says_what_the_containers_need_and_the_suite_can_run_it() -> None:
    servers = {choice for choice, entry in TABLE.items() if "image" in entry}
    assert servers == KINDS.keys()
    for choice in servers:
        entry = TABLE[choice]
        assert "port" in entry
        for role in {"cache", "sessions"} & entry.keys():
            assert "health" in entry
            assert {"url", "command", "note"} <= entry[role].keys()
            assert ":{port}" in entry[role]["url"]


def test_every_path_of_the_table_is_in_the_template_and_no_folder_within_another() -> None:
    folders = {path for path in owners() if (TEMPLATE / path).is_dir()}
    for path in owners():
        assert (TEMPLATE / path).exists(), path
        assert path not in folders or folders.isdisjoint(map(str, Path(path).parents)), path


def test_every_file_of_the_engine_that_not_all_projects_have_is_listed() -> None:
    everywhere = {
        name(file)
        for folder in (ENGINE, TEMPLATE / "tests" / "engine")
        for file in folder.rglob("*.py")
        if not owners_of(file)
    }
    assert everywhere == EVERYWHERE


def test_every_file_that_speaks_urls_is_listed_itself() -> None:
    """A folder stands for what several backends share, and these are one backend's."""
    for file in ENGINE.rglob("*.py"):
        if "SCHEMES" in top_level_names(file):
            assert str(file.relative_to(TEMPLATE)) in owners(), name(file)


@pytest.mark.slow
def test_every_combination_is_made_of_known_parts() -> None:
    for answers in combinations().values():
        roles = {f"{role}={answers[question]}" for role, question in ROLES.items()}
        assert roles <= parts(answers)
        assert parts(answers) - roles <= SHARED.keys() | TABLE.keys()


@pytest.mark.parametrize(
    ("cache", "sessions", "database"),
    [
        ("redis", "redis", "postgresql"),
        ("none", "cookie", "none"),
        ("simple", "sql", "none"),
        ("memcached", "filesystem", "mysql"),
    ],
)
def test_a_project_has_the_files_that_the_table_says(
    cache: str, sessions: str, database: str, tmp_path: Path
) -> None:
    answers = {"cache_backend": cache, "session_store": sessions, "database": database}
    project = bake(tmp_path, answers)
    expected = {
        str(file.relative_to(TEMPLATE)).replace(PACKAGE, "my_service")
        for file in files(project.answers)
    }
    assert {str(path.relative_to(project.path)) for path in project.files()} == expected


def name(file: Path) -> str:
    """Of a file of the engine or of its tests: without what leads there."""
    return str(file.relative_to(TEMPLATE)).replace(f"src/{PACKAGE}/", "")


def top_level_names(file: Path) -> set[str]:
    return {
        node.id
        for statement in ast.parse(file.read_text()).body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
