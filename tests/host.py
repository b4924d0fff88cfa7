"""The engine as it lies in the template, in a package `host` that is no service.

What a generated project adds to it is here: a name, settings, and the tests' hub rendered.
"""

from collections.abc import Mapping
from pathlib import Path

from tests.answers import rendered, typed
from tests.project import BakedProject, environment
from tests.questions import TEMPLATE
from tests.table import PACKAGE, files

ENGINE = TEMPLATE / "src" / PACKAGE / "engine"
ENGINE_TESTS = TEMPLATE / "tests" / "engine"
# Answers that between them have every file of the engine's tests: cache, sessions and database.
WITHOUT_SERVERS = [
    ("simple", "filesystem", "sqlite"),
    ("filesystem", "sql", "none"),
    ("none", "cookie", "none"),
]
WITH_SERVERS = [
    ("redis", "redis", "none"),
    ("memcached", "memcached", "none"),
    ("mongodb", "mongodb", "none"),
    ("simple", "sql", "postgresql"),
    ("simple", "sql", "mysql"),
]
# The whole engine is there, so these rules know every library: those without types are Memcached's.
RULES = {"cache_backend": "memcached", "database": "mysql"}
SETTINGS = '''"""The URLs of the environment, as the settings of a service give them."""

import os
from dataclasses import dataclass

from .engine.databases import normalized


class Secret(str):
    def get_secret_value(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Settings:
    cache_url: Secret
    session_url: Secret
    database_url: Secret


def load_settings() -> Settings:
    database = os.environ["DATABASE_URL"] and normalized(os.environ["DATABASE_URL"])
    sessions = os.environ["SESSION_URL"] or database
    return Settings(Secret(os.environ["CACHE_URL"]), Secret(sessions), Secret(database))
'''


def answers(cache: str, sessions: str, database: str) -> dict[str, str]:
    return {"cache_backend": cache, "session_store": sessions, "database": database}


def host(folder: Path, answers: Mapping[str, str]) -> BakedProject:
    """The whole engine, and of its tests those that a project with these answers has."""
    package = folder / "host"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "settings.py").write_text(SETTINGS)
    (package / "engine").symlink_to(ENGINE)
    names = {"project_slug": "host", "package_name": "host"}
    for file in files(answers):
        if file.is_relative_to(ENGINE_TESTS):
            link = folder / file.relative_to(TEMPLATE)
            link.parent.mkdir(parents=True, exist_ok=True)
            if file.name == "hub.py":
                link.write_text(rendered(str(file.relative_to(TEMPLATE)), {**names, **answers}))
            else:
                link.symlink_to(file)
    (folder / "tests" / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(rendered("pyproject.toml", {**names, **RULES}))
    urls = typed(answers)["cookiecutter"]
    variables = {
        "CACHE_URL": urls["__cache_url"],
        "SESSION_URL": urls["__session_url"],
        "DATABASE_URL": urls["__database_url"],
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),  # else it would be in the template
    }
    return BakedProject(folder, answers, {**environment(), **variables})
