"""Draw what the README shows: the questions, the generated service's front page, and its caching.

python -m scripts.pictures
"""

import base64
import io
import re
import sys
import tempfile
from pathlib import Path

import pexpect
from playwright.sync_api import Browser
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.browser.browsing import chromium, developing, make_project
from tests.project import BakedProject, environment
from tests.questions import CHOICES, QUESTIONS, REPOSITORY

DOCS = REPOSITORY / "docs"
COMMAND = "uvx cookiecutter gh:org/flask-cache-template"
TYPED = {
    "project_name": "Bike Rental",
    "description": "Bikes, by the hour",
    "author_name": "Ada Lovelace",
    "author_email": "ada@example.org",
    "cache_backend": "redis",
    "session_store": "redis",
    "database": "postgresql",
    "ci": "github",
}
SHOP = {
    "project_name": "Everyday Goods",
    "description": "Things that do their work well and last",
}
# Two views of a page, one above the other.
VIEWS = """
<style>
  body { display: grid; gap: 12px; margin: 0; padding: 20px; background: #e9e5dd; }
  p { margin: 0; font: 15px Helvetica, Arial, "Liberation Sans", "Nimbus Sans", sans-serif; }
  img { display: block; width: 840px; border-radius: 6px; }
  img + p { margin-top: 12px; }
</style>
<p>The first view: the page is computed and stored.</p><img src="data:image/png;base64,%s">
<p>The second view: the cache has the page.</p><img src="data:image/png;base64,%s">
"""


def asked() -> str:
    """What a terminal shows while somebody answers, with its colours."""
    shown = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        pexpect.spawn(
            f"{sys.prefix}/bin/cookiecutter",
            [f"--output-dir={folder}", str(REPOSITORY)],
            env={**environment(), "HOME": folder, "TMPDIR": folder, "TERM": "xterm-256color"},
            encoding="utf-8",
            dimensions=(80, 110),
            timeout=30,
        ) as terminal,
    ):
        terminal.logfile_read = shown
        for question in QUESTIONS:
            terminal.expect(r"\)(\x1b\[0m)?: $")
            answer = TYPED.get(question, "")
            if question in CHOICES:
                answer = str(CHOICES[question].index(answer) + 1)
            terminal.sendline(answer)
        terminal.expect(pexpect.EOF)
    return shown.getvalue()


def draw_questions() -> None:
    console = Console(record=True, width=90, file=io.StringIO())
    console.print(f"[green bold]$ {COMMAND}")
    console.print(Text.from_ansi(asked().replace("\r", "").strip("\n")))
    drawn = console.export_svg(title="cookiecutter", theme=MONOKAI)
    # Rich would load a font from elsewhere, which a picture in a page may not.
    drawn = re.sub(r" *@font-face \{.*?\}\n", "", drawn, flags=re.DOTALL)
    (DOCS / "questions.svg").write_text(drawn.replace("Fira Code,", "ui-monospace,"))


def draw_page(browser: Browser, project: BakedProject) -> None:
    with project.serving() as client:
        page = browser.new_page(viewport={"width": 1280, "height": 1270})
        page.goto(str(client.base_url))
        page.screenshot(path=DOCS / "page.png")


def draw_caching(browser: Browser, project: BakedProject) -> None:
    with developing(project) as address:
        page = browser.new_page(viewport={"width": 840, "height": 400}, device_scale_factor=1.5)
        page.goto(f"{address}/products/2")  # the first page of a process has its templates compiled
        views = []
        for _ in range(2):
            page.wait_for_load_state("networkidle")
            page.goto(f"{address}/products/1")
            views.append(base64.b64encode(page.screenshot()).decode())
    page = browser.new_page(viewport={"width": 880, "height": 350}, device_scale_factor=1.5)
    page.set_content(VIEWS % tuple(views))
    page.screenshot(path=DOCS / "caching.png", full_page=True)


def main() -> None:
    draw_questions()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        project = make_project(Path(folder), **SHOP)
        draw_page(browser, project)
        draw_caching(browser, project)


if __name__ == "__main__":
    main()
