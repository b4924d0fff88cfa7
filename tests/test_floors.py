"""The two floors of a project: the service stands on the engine, which knows nothing of it."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.project import BakedProject, bake
from tests.table import ROLES

Graph = Mapping[str, set[str]]


@pytest.fixture(
    scope="module",
    params=[("redis", "redis", "postgresql"), ("none", "cookie", "none")],
    ids="-".join,
)
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> BakedProject:
    answers = zip(("cache", "sessions", "database"), request.param, strict=True)
    return bake(
        tmp_path_factory.mktemp("floors"), {ROLES[role]: choice for role, choice in answers}
    )


def test_the_engine_imports_nothing_from_the_floor_above(project: BakedProject) -> None:
    """Wherever in a file an import stands."""
    engine = f"{project.package.name}.engine"
    for name, path in modules(project.package).items():
        if f"{name}.".startswith(f"{engine}."):
            for node in ast.walk(ast.parse(path.read_text())):
                for imported in imports(node, name, path):
                    ours = f"{imported}.".startswith(f"{project.package.name}.")
                    inside = f"{imported}.".startswith(f"{engine}.")
                    relative = isinstance(node, ast.ImportFrom) and node.level > 0
                    assert not ours or (inside and relative), f"{path} imports {imported}"


def test_no_module_needs_itself_to_be_imported(project: BakedProject) -> None:
    try:
        TopologicalSorter(graph(project.package)).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_a_circle_would_be_found(tmp_path: Path) -> None:
    package = tmp_path / "service"
    package.mkdir()
    (package / "__init__.py").write_text("from .a import x\n")
    (package / "a.py").write_text(
        "def f():\n    from . import b\n\nclass A:\n    from .b import y\n"
    )
    (package / "b.py").write_text("import service.a\n\nfrom .nothing import z\n")
    assert graph(package) == {
        "service": {"service.a"},
        "service.a": {"service.b"},
        "service.b": {"service.a"},
    }


def graph(package: Path) -> Graph:
    """Which modules of a package each of them imports when it is imported itself."""
    paths = modules(package)
    return {
        name: {
            found
            for node in at_import(ast.parse(path.read_text()))
            for imported in imports(node, name, path)
            if (found := imported if imported in paths else imported.rpartition(".")[0]) in paths
            and found != name
        }
        for name, path in paths.items()
    }


def modules(package: Path) -> dict[str, Path]:
    """The files of a package by the names of their modules."""
    names = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: not the bodies of its functions, nor what mypy sees."""
    for child in ast.iter_child_nodes(node):
        only_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not only_types:
            yield child
            yield from at_import(child)


def imports(node: ast.AST, module: str, path: Path) -> Iterator[str]:
    """The full names that an import statement asks for; of other nodes nothing."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parts = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
        start = parts[: len(parts) - node.level + 1] if node.level else []
        place = ".".join([*start, *([node.module] if node.module else [])])
        yield from (f"{place}.{alias.name}" for alias in node.names)
