"""`make demo`: a service at once, and nothing left of it afterwards."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.conftest import demand_servers
from tests.processes import free_port, get, wait_until
from tests.project import environment
from tests.questions import CHOICES, REPOSITORY

DEMO = [sys.executable, "-m", "scripts.demo"]


@pytest.mark.run
@pytest.mark.parametrize(
    ("answers", "end", "send"),
    [
        pytest.param({}, signal.SIGINT, os.killpg, id="ctrl-c"),
        pytest.param(
            {"cache_backend": "redis", "session_store": "redis", "database": "postgresql"},
            *(signal.SIGTERM, os.kill),
            id="terminated",
        ),
    ],
)
def test_it_serves_the_catalogue_and_leaves_nothing(
    answers: dict[str, str], end: signal.Signals, send: Callable[[int, int], None]
) -> None:
    demand_servers({question: choices[0] for question, choices in CHOICES.items()} | answers)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # servers run as nobody
        address = f"http://127.0.0.1:{free_port()}"
        demo = subprocess.Popen(
            [*DEMO, *(f"{question}={answer}" for question, answer in answers.items())],
            cwd=REPOSITORY,
            env={**environment(), "TMPDIR": folder, "PORT": address.rpartition(":")[2]},
            process_group=0,
        )
        wait_until(lambda: shows_a_product(address), 60)
        send(demo.pid, end)
        assert demo.wait(30) == 0
        assert not shows_a_product(address)
        assert [path for path in Path(folder).iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("argument", ["cache=redis", "database=oracle", "redis"])
def test_answers_to_other_questions_end_with_a_sentence(argument: str) -> None:
    done = subprocess.run([*DEMO, argument], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert argument.partition("=")[0] in done.stderr


def shows_a_product(address: str) -> bool:
    try:
        return 'href="/products/' in get(address).text
    except httpx.TransportError:
        return False
