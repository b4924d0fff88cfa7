"""The image: what is in it, what is not, and what building it again takes."""

import json
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.containers.conftest import on
from tests.containers.stack import STAND_INS, TOKEN, Stack

pytestmark = pytest.mark.containers

LARGEST = 120  # megabytes, on top of Python's image


def test_it_is_python_and_the_dependencies(
    stack: Stack, record_property: Callable[[str, object], None]
) -> None:
    size, base = megabytes(stack, stack.image), megabytes(stack, "python:3.13-slim")
    record_property(
        "told", f"image of {stack.name}: {size:.0f} MB, {size - base:.0f} of them not Python's"
    )
    assert size - base < LARGEST
    for image in sorted(stack.images & STAND_INS.keys()):
        label = '{{index .Config.Labels "stand-in"}}'
        asked = ["docker", "image", "inspect", f"--format={label}", image]
        if stands_in := stack.project.run(asked).strip():
            record_property("told", f"{image} is {stands_in}")


def test_it_has_no_compiler_and_not_what_installed_the_dependencies(stack: Stack) -> None:
    assert stack.shell("web", "command -v cc gcc c++ ld make uv || true") == ""


def test_the_process_has_no_rights_and_writes_to_two_folders_only(stack: Stack) -> None:
    rights = stack.shell("web", "id -u; grep -E 'CapEff|NoNewPrivs' /proc/1/status")
    assert rights.split() == ["10001", "CapEff:", "0" * 16, "NoNewPrivs:", "1"]
    assert stack.inspect("web")["HostConfig"]["ReadonlyRootfs"]
    mounts = stack.shell("web", "grep -E ' (/|/app/var|/tmp) ' /proc/mounts")
    writable = {line.split()[1] for line in mounts.splitlines() if " rw," in line}
    assert {"/tmp"} <= writable <= {"/tmp", "/app/var"}


@on("simple/filesystem/sqlite")
def test_the_health_check_asks_the_process_whatever_the_environment_says(stack: Stack) -> None:
    _, *command = stack.inspect("web")["Config"]["Healthcheck"]["Test"]

    def healthy(variable: str) -> bool:
        asked = ["docker", "exec", f"--env={variable}", stack.container("web"), *command]
        return subprocess.run(asked, stderr=subprocess.DEVNULL).returncode == 0

    assert healthy("http_proxy=http://127.0.0.1:9")  # where nobody listens
    assert not healthy("PORT=9")


@on("redis/redis/postgresql")
def test_no_secret_is_in_a_layer_or_in_the_history(stack: Stack) -> None:
    key = re.search(r"^SECRET_KEY=(\w{48})$", (stack.project.path / ".env").read_text(), re.M)
    assert key
    secrets = [TOKEN, key[1]]
    told = stack.project.run(f"docker history --no-trunc {stack.image}")
    told += stack.project.run(f"docker image inspect {stack.image}")
    assert not any(secret in told for secret in secrets)
    seen = set()
    for path, content in files(stack.image):
        assert not any(secret.encode() in content for secret in secrets), path
        seen.add(path)
    assert {"venv/bin/granian", "code/shop_service/__main__.py"} <= seen


@on("redis/redis/postgresql")
def test_changed_code_changes_the_last_layer_and_installs_no_dependency_again(
    stack: Stack,
) -> None:
    before = layers(stack)
    with (stack.project.package / "__init__.py").open("a") as module:
        module.write("# changed\n")
    log = stack.compose("--progress plain build web")
    install = re.search(r"^#(\d+) \[.*\] RUN .*uv sync", log, re.MULTILINE)
    assert install
    assert f"#{install[1]} CACHED" in log.splitlines()
    after = layers(stack)
    assert after[:-1] == before[:-1]
    assert after[-1] != before[-1]


@on("simple/filesystem/sqlite")
def test_it_is_built_as_the_lock_file_says_and_not_when_that_is_outdated(stack: Stack) -> None:
    lock = stack.project.path / "uv.lock"
    stack.project.run("uv lock")
    try:
        stack.compose("build web")
        lock.write_text(lock.read_text().replace('specifier = ">=', 'specifier = ">'))
        with pytest.raises(AssertionError, match=r"lockfile .*needs to be updated"):
            stack.compose("build web")
    finally:
        lock.unlink()


def layers(stack: Stack) -> list[str]:
    """What identifies them, the base's first."""
    found = stack.project.run(f"docker image inspect {stack.image}")
    return [*json.loads(found)[0]["RootFS"]["Layers"]]


def files(image: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file of every layer, also of those that a later one removes."""
    with (
        subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved,
        tarfile.open(fileobj=saved.stdout, mode="r|") as layers,
    ):
        for layer in filter(tarfile.TarInfo.isfile, layers):
            with (
                suppress(tarfile.ReadError),  # it is no layer, but a description
                tarfile.open(fileobj=layers.extractfile(layer), mode="r|*") as entries,
            ):
                for entry in filter(tarfile.TarInfo.isfile, entries):
                    content = entries.extractfile(entry)
                    yield entry.name, content.read() if content else b""


def megabytes(stack: Stack, image: str) -> float:
    return int(stack.project.run(f"docker image inspect --format {{{{.Size}}}} {image}")) / 1e6
