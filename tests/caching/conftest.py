"""Generated projects with one cache each, and nothing else that needs a server of another kind."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import demand_servers
from tests.project import BakedProject, bake, environment
from tests.servers import Servers

BACKENDS = ["simple", "filesystem", "redis", "memcached", "mongodb"]
PROOF = "service.create_app = lambda: __import__('proof').app"  # serve proof.py
Service = Callable[[str], BakedProject]


def each(*backends: str) -> pytest.MarkDecorator:
    """Run a test with each of these backends."""
    return pytest.mark.parametrize("backend", backends)


@pytest.fixture(scope="session")
def service(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The installed project of a backend, with the proofs inside, on servers that hold nothing."""
    made: dict[str, BakedProject] = {}
    with ExitStack() as stack:

        def get(backend: str) -> BakedProject:
            sessions = "redis" if backend == "redis" else "cookie"
            answers = {"cache_backend": backend, "session_store": sessions, "database": "none"}
            demand_servers(answers)
            urls = stack.enter_context(servers.environment(answers, "unused"))
            if backend not in made:
                project = bake(tmp_path_factory.mktemp(backend), answers)
                project = replace(project, variables={**environment(), **urls})
                project.run("make install")
                (project.path / "var").mkdir(exist_ok=True)
                shutil.copy(Path(__file__).parent / "proof.py", project.path)
                made[backend] = project
            return made[backend]

        yield get
