"""A browser, and services for it to visit. `scripts.pictures` uses them, too."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

from tests.processes import free_port, get, running
from tests.project import BakedProject, bake

# Debian's name, and those of the machines that GitHub lends.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def program() -> str | None:
    """Where a browser is, if there is one."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window. Nothing of it is left after the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program())
        yield browser
        browser.close()


def make_project(folder: Path, **answers: str) -> BakedProject:
    """A service that is installed, and that has its sample products."""
    project = bake(folder, answers)
    project.run("make install")
    project.run("uv run flask db upgrade")
    project.run("uv run flask shop seed")
    return project


@contextmanager
def developing(project: BakedProject, **variables: str) -> Iterator[str]:
    """The address of a service that is run as `make run` does, but for the reloading."""
    address = f"http://127.0.0.1:{(port := free_port())}"

    def ready() -> bool:
        try:
            return get(f"{address}/livez").is_success
        except httpx.TransportError:
            return False

    with running(
        ["uv", "run", "flask", "run", "--debug", "--no-reload", f"--port={port}"],
        ready=ready,
        log=project.path / "var" / f"development-{port}.log",
        cwd=project.path,
        env={**project.variables, **variables},
    ):
        yield address
