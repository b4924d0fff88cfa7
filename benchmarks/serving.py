"""Requests a second of generated services, beside the tutorial way and bare Flask.

    python -m benchmarks.serving [SECONDS [ROUNDS]]     measures: SECONDS is a whole number
    python -m benchmarks.serving --render               draws the last figures again

Every service runs in one process of 8 threads, and answers 8 connections of wrk. All of them are up
at the same time and are asked in turns, so what the machine does besides is the same for all. A
figure is the median of the rounds; a ratio is to another service's figure in the same round.

It prints the tables, and writes serving.json, serving.svg and the tables of README.md. With less
than three rounds it only prints: that is a trial. README.md says how to read them.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from benchmarks.load import BARE, CASES, FRESH, GENERATED, TUTORIAL, Service
from benchmarks.machine import installed, machine
from benchmarks.report import ANSWERS, BARE_HERE, FOLDER, Results, publish, read, tables, write
from tests.processes import free_port, running
from tests.project import bake, environment
from tests.servers import Servers

SECRET = "of-the-benchmark-" + "k" * 32
PACKAGES = ["flask", "flask-caching", "flask-session[redis]", "redis", "granian", "gunicorn"]
GUNICORN = ["gunicorn", "--workers=1", "--threads=8", "--worker-class=gthread", "--bind={address}"]
GRANIAN = [
    *("granian", "--interface=wsgi", "--factory", "--workers=1", "--blocking-threads=8"),
    *("--no-access-log", "--host=127.0.0.1", "--port={port}"),
]
# For the herd: a page that takes a while. The tutorial way has the same one.
SLOW = f"""

@bp.get("/slow")
@page(timeout={FRESH}, stale=300, args=("q",))
def slow() -> str:
    from time import sleep
    from uuid import uuid4

    sleep(0.1)
    return str(uuid4())
"""


@contextmanager
def generated(servers: Servers, folder: Path, answers: str) -> Iterator[Service]:
    questions = ("cache_backend", "session_store", "database")
    chosen = dict(zip(questions, answers.split("/"), strict=True))
    folder.mkdir()
    project = bake(folder, chosen)
    with (project.package / "shop" / "pages.py").open("a") as pages:
        pages.write(SLOW)
    production = {"APP_ENV": "production", "SECRET_KEY": SECRET, "WEB_CONCURRENCY": "1"}
    with servers.environment(project.answers, f"bench_{folder.name}") as urls:
        project = replace(project, variables={**project.variables, **urls, **production})
        for command in ("make install", "uv run flask db upgrade", "uv run flask shop seed"):
            project.run(command)
        with project.serving() as client:
            yield Service(answers, GENERATED, str(client.base_url).rstrip("/"))


@contextmanager
def written(
    name: str, kind: str, server: list[str], place: Path, variables: Mapping[str, str]
) -> Iterator[Service]:
    """A service of benchmarks/tutorial/service.py on a server, both in the environment `place`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = [option.format(port=port, address=f"127.0.0.1:{port}") for option in server]
    factory = "service:bare" if kind == BARE else "service:tutorial"
    with running(
        [f"{place}/bin/{options[0]}", *options[1:], factory + ("()" if server == GUNICORN else "")],
        ready=lambda: answers(url),
        log=place / f"{port}.log",
        cwd=FOLDER / "tutorial",
        env={**environment(), **variables, "PYTHONDONTWRITEBYTECODE": "1"},
    ):
        yield Service(name, kind, url)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def measure(seconds: int, rounds: int) -> Results:
    with tempfile.TemporaryDirectory() as folder, Servers() as servers, ExitStack() as stack:
        work, place = Path(folder), Path(folder, "venv")
        work.chmod(0o755)
        print("Generating, installing and starting the services …", flush=True)
        services = [
            stack.enter_context(generated(servers, work / answers.partition("/")[0], answers))
            for answers in ANSWERS
        ]
        (work / "body").write_bytes(httpx.get(services[0].url).content)
        python = f"{place}/bin/python"
        for command in (["venv", place], ["pip", "install", "--python", python, *PACKAGES]):
            subprocess.run(["uv", *command, "--quiet"], env=environment(), check=True)
        redis = {"cache_backend": "redis", "session_store": "redis", "database": "none"}
        urls = stack.enter_context(servers.environment(redis, "unused"))
        variables = {**urls, "BODY": str(work / "body")}
        services += [
            stack.enter_context(written(*service, place, variables))
            for service in (
                (TUTORIAL, TUTORIAL, GUNICORN),
                (f"{BARE} on gunicorn", BARE, GUNICORN),
                (BARE_HERE, BARE, GRANIAN),
            )
        ]
        for service in services:  # only now: each service that was added emptied the servers
            service.prepare()
        for turn in range(rounds):
            print(f"Round {turn + 1} of {rounds} …", flush=True)
            for case in CASES:
                for service in services:
                    service.ask(case, seconds)
            for service in services:
                service.meet_herds()
                service.meet_slow_clients()
        here = machine(installed(python, "flask", "granian", "gunicorn"))
    return Results(here, {service.name: service.seen for service in services})


def main(seconds: int = 2, rounds: int = 3) -> None:
    results = measure(seconds, rounds)
    print(f"\n{tables(results)}")
    if rounds >= 3:
        write(results)
        publish(results)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--render"]:
            print(tables(read()))
            publish(read())
        case [*given]:
            main(*map(int, given))
