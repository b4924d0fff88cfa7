"""A generated project in containers, as `make up` starts it."""

import json
import re
import secrets
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from tests.processes import free_port
from tests.project import BakedProject, bake, environment
from tests.questions import BACKENDS, REPOSITORY

TOKEN = "a-token-for-the-suite"
STAND_INS = {"mongo:8": Path(__file__).parent / "mongo"}


@dataclass(frozen=True)
class Stack:
    """The containers of a project."""

    project: BakedProject
    port: int = field(default_factory=free_port)

    @property
    def name(self) -> str:
        """Cache, sessions and database, such as redis/cookie/none."""
        return "/".join(self.project.answers[question] for question in BACKENDS)

    @property
    def image(self) -> str:
        """Of the service; the compose project has the same name."""
        return self.project.path.name

    @cached_property
    def services(self) -> dict[str, Any]:
        """What compose.yaml comes to."""
        services: dict[str, Any] = json.loads(self.compose("config --format json"))["services"]
        return services

    @property
    def images(self) -> set[str]:
        """What it is made from: the servers' images, and those that its own is built on."""
        dockerfile = (self.project.path / "Dockerfile").read_text()
        built_on = re.findall(r"(?:^FROM |--from=)(\S+[:/]\S+)", dockerfile, re.MULTILINE)
        return {*built_on, *(service["image"] for service in self.services.values())} - {self.image}

    def make(self, target: str, **variables: str) -> str:
        return self.project.run(f"make {target}", **variables)

    def compose(self, command: str, **variables: str) -> str:
        return self.project.run(f"docker compose {command}", **variables)

    def shell(self, service: str, script: str) -> str:
        """What a shell in a service's container prints. Raises CalledProcessError."""
        return subprocess.run(
            ["docker", "exec", self.container(service), "sh", "-c", script],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def container(self, service: str) -> str:
        """The id of a service's container, running or not."""
        return self.compose(f"ps --all --quiet {service}").strip()

    def inspect(self, service: str) -> dict[str, Any]:
        """What Docker knows of a service's container."""
        (container,) = json.loads(self.project.run(f"docker inspect {self.container(service)}"))
        return dict(container)

    def complaints(self) -> str:
        """What the service has logged but requests: each message once, with its number."""
        log = self.project.run(f"docker logs {self.container('web')}").splitlines()
        lines = [json.loads(line) for line in log if line.startswith("{")]
        messages = Counter(
            "\n".join([line["message"][:200], *line.get("exception", "").splitlines()[-1:]])
            for line in lines
            if line["level"] != "info"
        )
        return "\n".join(f"{number} x {message}" for message, number in messages.most_common())

    def client(self) -> httpx.Client:
        """A visitor."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, verify=False)

    def down(self) -> None:
        """Leave nothing of it."""
        self.compose("down --volumes --remove-orphans --timeout 1")
        subprocess.run(["docker", "image", "rm", self.image], capture_output=True)


@contextmanager
def prepared(folder: Path, answers: Mapping[str, str]) -> Iterator[Stack]:
    """A new project's stack, not yet up. Nothing of it is left after the block."""
    slug = f"stack-{secrets.token_hex(4)}"
    project = bake(folder, {**answers, "project_slug": slug, "package_name": "shop_service"})
    stack = Stack(project)
    stack.make(".env")
    with (project.path / ".env").open("a") as settings:
        settings.write(f"API_TOKEN={TOKEN}\nPORT={stack.port}\n")
    try:
        yield stack
    finally:
        stack.down()


def lacking(images: Iterable[str]) -> list[str]:
    """Those of the images that are neither here nor to be had."""
    return sorted(image for image in images if not (found(image) or pulled(image) or built(image)))


def engine_answers() -> bool:
    return docker("info") and docker("compose", "version")


def found(image: str) -> bool:
    return docker("image", "inspect", image)


def pulled(image: str) -> bool:
    return docker("pull", "--quiet", image)


def built(image: str) -> bool:
    """Whether it was built here from what stands in for it."""
    if image not in STAND_INS:
        return False
    bootstrap = (REPOSITORY / "scripts" / "bootstrap").read_text()
    (version,) = re.findall(r"^SECANTUSDB=\S+", bootstrap, re.MULTILINE)
    return docker("build", f"--tag={image}", f"--build-arg={version}", str(STAND_INS[image]))


def docker(*command: str) -> bool:
    """Whether a command of Docker's succeeds."""
    try:
        done = subprocess.run(["docker", *command], env=environment(), capture_output=True)
    except FileNotFoundError:
        return False
    return done.returncode == 0
