"""Code of a project that nothing uses: functions, classes, constants, attributes and fixtures."""

import ast
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from vulture import Vulture  # type: ignore[import-untyped]

from tests.project import BakedProject

# What registers a function with a library, which then calls it.
DECORATORS = [
    *("@*.get", "@*.post", "@*.put", "@*.delete", "@*.route", "@*.errorhandler"),
    *("@*.before_request", "@*.after_request", "@*.template_filter", "@*.command"),
    *("@after_this_request", "@*.listens_for", "@*.connect", "@field_validator"),
    "@*.url_defaults",
    "@atexit.register",
    *("@pytest.fixture", "@fixture"),  # which are looked at below
]
FIXTURE = re.compile(r"(pytest\.)?fixture\b(?!.*autouse=True)")
NAMING = re.compile(r"(usefixtures|getfixturevalue)$")
# What is called or read by its name, where vulture cannot see it, and by whom.
NAMES = {
    "alembic": ["down_revision", "branch_labels", "depends_on"],
    "flask": [
        *("jinja_options", "open_session", "save_session", "get_expiration_time"),
        *("should_set_cookie", "session_class", "to_json", "to_python"),
    ],
    "flask-caching": ["factory", "get_dict", "_memoize_version", "_cache"],
    "granian": ["_shd", "_sso"],
    "logging": ["format"],
    "pickle": ["reducer_override"],
    "sqlalchemy": ["is_disconnect"],
    "pytest": ["pytestmark", "pytest_plugins", "pytest_collection_finish"],
    "prometheus": ["ValueClass"],
    "pydantic": ["model_config", "cls"],
    "pymemcache": ["_safely_run_func", "_get_client", "RECV_SIZE"],
    "pymongo": ["MIN_HEARTBEAT_INTERVAL", "started", "succeeded", "failed"],
    "weakref": ["atexit"],
    "wsgiref": ["log_message", "server_name", "server_port"],
    "werkzeug": ["public", "permanent", "stale_while_revalidate"],
    # What each module of a database has: another part of the engine asks, if the project has it.
    "engine.databases": [
        *("SCHEMES", "OPTIONS", "ENGINE_OPTIONS", "is_outage", "is_read_only"),
        "count_rows",
        *("SESSION_OPTIONS", "MISSING_TABLE", "prepare_sessions"),
    ],
    "engine.caching": ["unneeded_for_hits"],  # a mark, where there is a cache
    "engine.speakers": ["check_url"],  # of a module that has one
    "engine.nocache": ["tags"],  # it takes what the cache takes
    "tests": [  # paths, arguments, columns
        *("OwnStore", "at", "currency", "desk", "author_id", "book_id", "page_id", "pages"),
    ],
}


class Remembering(Vulture):  # type: ignore[misc]
    """Looks at a file once, even if several projects have it."""

    def scan(self, code: str, filename: str | Path = "") -> None:
        for kind, found in scanned(code, Path(filename)).items():
            names = getattr(self, kind)
            names.update(found) if isinstance(names, set) else names.extend(found)


@cache
def scanned(code: str, filename: Path) -> dict[str, Collection[Any]]:
    """What vulture finds in a file: defined, used and unreachable, by its own names for them."""
    names = [name for names in NAMES.values() for name in names]
    vulture = Vulture(ignore_names=names, ignore_decorators=DECORATORS)
    vulture.scan(code, filename)
    kinds = ("defined_", "used_", "unreachable_")
    return {kind: found for kind, found in vars(vulture).items() if kind.startswith(kinds)}


def unused(project: BakedProject) -> list[str]:
    """What vulture finds, each with its file and line, and the fixtures that nothing asks for."""
    defined, asked = fixtures(project)
    vulture = Remembering()
    vulture.scavenge([project.package, project.path / "tests"])
    # A test may ask for a fixture and not look at what it gives.
    shown = said(project) | defined.keys()
    return [
        *(
            f"{item.filename.relative_to(project.path)}:{item.first_lineno}: {item.message}"
            for item in vulture.get_unused_code()
            if item.name not in shown
        ),
        *(
            f"{place}: unused fixture '{name}'"
            for name, place in defined.items()
            if name not in asked
        ),
    ]


def said(project: BakedProject) -> set[str]:
    """The words between the braces of the pages, which are the fields that they show."""
    return {
        word
        for page in project.package.rglob("*.html")
        for code in re.findall(r"\{[{%].*?[%}]\}", page.read_text(), re.DOTALL)
        for word in re.findall(r"\w+", code)
    }


def fixtures(project: BakedProject) -> tuple[dict[str, str], set[str]]:
    """Where fixtures are, by their names, and the names that tests and other fixtures ask for.

    Not those that act by themselves.
    """
    defined: dict[str, str] = {}
    asked: set[str] = set()
    for path in (project.path / "tests").rglob("*.py"):
        lines, names = fixtures_in(path.read_text())
        place = path.relative_to(project.path)
        defined |= {name: f"{place}:{line}" for name, line in lines.items()}
        asked |= names
    return defined, asked


@cache
def fixtures_in(code: str) -> tuple[dict[str, int], set[str]]:
    """The lines of its fixtures by their names, and the names that it asks for."""
    defined: dict[str, int] = {}
    asked: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef):
            asked.update(argument.arg for argument in [*node.args.args, *node.args.kwonlyargs])
            if any(FIXTURE.match(ast.unparse(decorator)) for decorator in node.decorator_list):
                defined[node.name] = node.lineno
        elif isinstance(node, ast.Call) and NAMING.search(ast.unparse(node.func)):
            names = (argument for argument in node.args if isinstance(argument, ast.Constant))
            asked.update(str(name.value) for name in names)
    return defined, asked
