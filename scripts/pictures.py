"""Draw what the README shows: the questions, as a terminal shows them.

python -m scripts.pictures
"""

import io
import sys
import tempfile

import pexpect
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.project import environment
from tests.questions import CHOICES, QUESTIONS, REPOSITORY

PICTURE = REPOSITORY / "docs" / "questions.svg"
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


def main() -> None:
    console = Console(record=True, width=90, file=io.StringIO())
    console.print(f"[green bold]$ {COMMAND}")
    console.print(Text.from_ansi(asked().replace("\r", "").strip("\n")))
    PICTURE.write_text(console.export_svg(title="cookiecutter", theme=MONOKAI))


if __name__ == "__main__":
    main()
