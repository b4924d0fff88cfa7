"""`make watch`: the service in containers, and edits that show at once."""

import subprocess
from pathlib import Path

import httpx
import pytest

from tests.containers.stack import engine_answers, lacking, prepared
from tests.processes import running, wait_until

pytestmark = pytest.mark.containers


def test_an_edit_shows_while_it_runs(tmp_path: Path) -> None:
    if not engine_answers():
        pytest.skip("no Docker engine with Compose answers: what runs in containers is not tested")
    answers = {"cache_backend": "simple", "session_store": "cookie", "database": "none"}
    with prepared(tmp_path / "project", answers) as stack, stack.client() as client:
        if lacked := lacking(stack.images):
            pytest.skip(f"images neither here nor to be pulled: {', '.join(lacked)}")
        stack.compose("build")

        def page(path: str = "/") -> str:
            try:
                return client.get(path).text
            except httpx.TransportError:
                return ""

        with running(
            ["make", "watch"],
            ready=lambda: "<main" in page(),
            log=tmp_path / "log",
            cwd=stack.project.path,
            env=dict(stack.project.variables),
        ):
            edited = stack.project.package / "templates" / "base.html"
            edited.write_text(edited.read_text().replace("<main", '<main data-edit="template"'))
            wait_until(lambda: 'data-edit="template"' in page())
            edited = stack.project.package / "health.py"
            edited.write_text(edited.read_text().replace('"ok"', '"edited"', 1))
            wait_until(lambda: "edited" in page("/livez"))
            with pytest.raises(subprocess.CalledProcessError):
                stack.shell("web", "touch /app/file")  # it is read-only, as in production
