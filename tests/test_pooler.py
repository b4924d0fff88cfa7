"""Behind PgBouncer, which gives each transaction another connection of the server."""

import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import demand_servers
from tests.processes import get
from tests.project import bake
from tests.servers import NOBODY, ROOT, Server, Servers, given

ANSWERS = {"cache_backend": "simple", "session_store": "sql", "database": "postgresql"}


class PgBouncer(Server):
    program = "pgbouncer"

    def __init__(self, folder: Path, database: str) -> None:
        super().__init__(folder)
        self.database = urlsplit(database)

    @property
    def url(self) -> str:
        return self.database._replace(netloc=f"app:app@127.0.0.1:{self.port}").geturl()

    def prepare(self) -> None:
        (self.folder / "users").write_text('"app" "app"\n')
        (self.folder / "settings").write_text(
            f"""
            [databases]
            * = host=127.0.0.1 port={self.database.port}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = plain
            auth_file = users
            pool_mode = transaction
            default_pool_size = 20
            """.replace("            ", "")
        )

    def arguments(self) -> list[str]:
        return ["settings"]

    def ready(self) -> bool:
        try:
            get(f"http://127.0.0.1:{self.port}", timeout=1)
        except httpx.ConnectError:
            return False
        except httpx.HTTPError:
            pass
        return True


@pytest.mark.run
def test_every_write_succeeds(servers: Servers, tmp_path: Path) -> None:
    demand_servers(ANSWERS)
    if given("postgresql"):
        pytest.skip("PgBouncer needs a server of the suite's own, not TEST_POSTGRESQL_URL")
    for folder in ("pooler", "made"):
        (tmp_path / folder).mkdir()
    if ROOT:  # nobody runs the pooler
        shutil.chown(tmp_path / "pooler", **{name: NOBODY[name] for name in ("user", "group")})
        for path in (tmp_path, *tmp_path.parents[:2]):
            path.chmod(0o755)
    with (
        servers.environment(ANSWERS, database=f"pooled_{os.getpid()}") as urls,
        PgBouncer(tmp_path / "pooler", urls["DATABASE_URL"]).started() as pooler,
    ):
        project = bake(tmp_path / "made", ANSWERS)
        project = replace(project, variables={**project.variables, **urls})
        for command in ("make install", "uv run flask db upgrade", "uv run flask shop seed"):
            project.run(command)
        pooled = {"DATABASE_URL": pooler.url, "SESSION_URL": "", "API_TOKEN": "of-the-tests"}
        with project.serving(**pooled) as client:
            item = client.get("/api/products/1").json()
            headers = {**client.headers, "Authorization": "Bearer of-the-tests"}

            def visit(number: int) -> list[int]:
                """Writes to the catalogue, and to the visitor's own session."""
                with httpx.Client(
                    base_url=client.base_url, headers=headers, timeout=30, verify=False
                ) as visitor:
                    path, draft = "/api/products/1", {**item, "stock": number}
                    written = [visitor.put(path, json=draft).status_code for _ in range(20)]
                    added = visitor.post("/cart/add", data={"product_id": 2})
                    return [*written, visitor.get("/cart").status_code, added.status_code]

            with ThreadPoolExecutor(8) as pool:
                answers = [status for seen in pool.map(visit, range(32)) for status in seen]
            assert Counter(answers) == {200: 21 * 32, 303: 32}
