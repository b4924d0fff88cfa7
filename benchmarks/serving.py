"""Requests a second of generated services, beside the tutorial way and bare Flask.

    python -m benchmarks.serving [SECONDS [ROUNDS]]

Every service runs under gunicorn with one process of 8 threads, and answers 8 connections of wrk.
All of them are up at the same time and are asked in turns, so what the machine does besides is the
same for all. A figure is the median of the rounds; a ratio is to bare Flask's in the same rounds.
benchmarks/README.md says how to read the table.
"""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from tests.processes import free_port, running
from tests.project import bake, environment
from tests.questions import REPOSITORY
from tests.servers import Servers

FOLDER = REPOSITORY / "benchmarks"
SECRET = "of-the-benchmark-" + "k" * 32
ANSWERS = [
    ("redis", "redis", "postgresql"),
    ("memcached", "memcached", "mysql"),
    ("filesystem", "filesystem", "sqlite"),
    ("simple", "cookie", "sqlite"),
]
PACKAGES = ["flask", "flask-caching", "flask-session[redis]", "redis", "gunicorn"]
BARE, TUTORIAL = "bare Flask", "the tutorial way"
CONNECTIONS = 8
HERD = 50

# What wrk runs: each request is this one, or with another query each time.
SCRIPT = """
wrk.method, wrk.body = {method!r}, {body!r}
for name, value in pairs({{{headers}}}) do wrk.headers[name] = value end
local number = {start}
function request()
  number = number + 1
  local path = string.gsub({path!r}, "NUMBER", tostring(number))
  return wrk.format(nil, path)
end
function done(summary, latency)
  local failed = summary.errors.status + summary.errors.timeout + summary.errors.connect
  io.write(string.format("%d %d %d\\n", summary.requests, summary.duration, failed))
end
"""


@dataclass
class Service:
    """A service that runs, and what it was asked."""

    name: str
    url: str
    cookie: str = ""
    etag: str = ""
    seen: dict[str, list[float]] = field(default_factory=dict)  # requests a second, by case

    def ask(self, case: "Case", seconds: float) -> None:
        headers = {name: value.format(**vars(self)) for name, value in case.headers.items()}
        script = SCRIPT.format(
            method=case.method,
            body=case.body,
            headers=", ".join(f"[{name!r}]={value!r}" for name, value in headers.items()),
            path=case.path,
            # Not larger: Lua would write it with an exponent.
            start=time.time_ns() // 1000 % 10**9,
        )
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(script)
            file.flush()
            command = [
                "wrk",
                "-t1",
                f"-c{CONNECTIONS}",
                f"-d{seconds:g}s",
                "-s",
                file.name,
                self.url,
            ]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        requests, microseconds, failed = map(int, said.splitlines()[-1].split())
        assert not failed, f"{self.name}, {case.name}: {failed} of {requests} failed"
        self.seen.setdefault(case.name, []).append(requests / microseconds * 1e6)


@dataclass(frozen=True)
class Case:
    name: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: str = ""
    tutorial: bool = True  # whether the tutorial way has it


COOKIE = {"Cookie": "{cookie}"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "{url}"}
CASES = [
    Case("page", "/"),
    Case("page, with a session cookie", "/", COOKIE),
    Case("page that the browser has (304)", "/", {"If-None-Match": "{etag}"}, tutorial=False),
    Case("page that is not cached", "/?q=NUMBER"),
    Case("JSON", "/api/products"),
    Case("session read", "/cart/summary", COOKIE),
    Case("session write", "/cart/add", {**COOKIE, **FORM}, "POST", "product_id=2&quantity=1"),
    Case("/livez", "/livez", tutorial=False),
]


@contextmanager
def generated(servers: Servers, folder: Path, answers: tuple[str, str, str]) -> Iterator[Service]:
    chosen = dict(zip(("cache_backend", "session_store", "database"), answers, strict=True))
    folder.mkdir()
    project = bake(folder, chosen)
    production = {"APP_ENV": "production", "SECRET_KEY": SECRET, "WEB_CONCURRENCY": "1"}
    with servers.environment(project.answers, f"bench_{answers[0]}") as urls:
        project = replace(project, variables={**project.variables, **urls, **production})
        for command in ("make install", "uv run flask db upgrade", "uv run flask shop seed"):
            project.run(command)
        with project.serving() as client:
            yield prepared("/".join(answers), str(client.base_url).rstrip("/"))


@contextmanager
def written(folder: Path, factory: str, variables: Mapping[str, str]) -> Iterator[Service]:
    """benchmarks/tutorial/service.py, under gunicorn with the same threads."""
    port = free_port()
    options = ["--workers=1", "--threads=8", "--worker-class=gthread", f"--bind=127.0.0.1:{port}"]
    url = f"http://127.0.0.1:{port}"
    with running(
        [f"{folder}/venv/bin/gunicorn", *options, f"service:{factory}()"],
        ready=lambda: answers(url),
        log=folder / f"{factory}.log",
        cwd=FOLDER / "tutorial",
        env={**environment(), **variables, "PYTHONDONTWRITEBYTECODE": "1"},
    ):
        yield prepared(BARE if factory == "bare" else TUTORIAL, url)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def prepared(name: str, url: str) -> Service:
    """The service, with a visitor's cookie and the page's ETag, where it has them."""
    service = Service(name, url)
    added = httpx.post(f"{url}/cart/add", data={"product_id": 1}, headers={"Origin": url})
    if given := added.headers.get("Set-Cookie"):
        service.cookie = given.partition(";")[0]
    service.etag = httpx.get(url).headers.get("ETag", "")
    return service


def herd(service: Service) -> tuple[int, float]:
    """Of 50 requests at once for a page that nobody asked for: computations, slowest in seconds."""
    path, together = f"{service.url}/?q=herd-{time.time_ns()}", threading.Barrier(HERD)

    def ask(_: int) -> tuple[str, float]:
        with httpx.Client(timeout=30) as client:
            together.wait()
            begun = time.monotonic()
            answer = client.get(path)
            return answer.headers.get("Cache-Status", "fwd=miss"), time.monotonic() - begun

    with ThreadPoolExecutor(HERD) as pool:
        seen = [*pool.map(ask, range(HERD))]
    return sum("fwd=miss" in status for status, _ in seen), max(seconds for _, seconds in seen)


def beside_slow_clients(service: Service) -> float:
    """The slowest of ten requests, in seconds, while 50 clients send a byte a second each.

    A request that has no answer after 5 seconds is the last one.
    """
    address, ended = httpx.URL(service.url), threading.Event()
    slow = [socket.create_connection((address.host, address.port or 80)) for _ in range(HERD)]

    def dawdle() -> None:
        for letter in "GET / HTTP/1.1\r\nHost: x\r\nX: ":
            for connection in slow:
                try:
                    connection.sendall(letter.encode())
                except OSError:
                    continue
            if ended.wait(1):
                return

    threading.Thread(target=dawdle, daemon=True).start()
    slowest = 0.0
    with suppress(httpx.TimeoutException):
        for _ in range(10):
            begun = time.monotonic()
            try:
                httpx.get(service.url, timeout=5)
            finally:
                slowest = max(slowest, time.monotonic() - begun)
    ended.set()
    for connection in slow:
        connection.close()
    return slowest


def measure(seconds: float, rounds: int) -> list[Service]:
    with tempfile.TemporaryDirectory() as place, Servers() as servers, ExitStack() as stack:
        work = Path(place)
        work.chmod(0o755)
        print("Generating, installing and starting the services …", flush=True)
        services = [
            stack.enter_context(generated(servers, work / answers[0], answers))
            for answers in ANSWERS
        ]
        (work / "body").write_bytes(httpx.get(services[0].url).content)
        python = f"{work}/venv/bin/python"
        for command in (["venv", "venv"], ["pip", "install", "--python", python, *PACKAGES]):
            subprocess.run(["uv", *command, "--quiet"], cwd=work, env=environment(), check=True)
        redis = {"cache_backend": "redis", "session_store": "redis", "database": "none"}
        urls = stack.enter_context(servers.environment(redis, "unused"))
        variables = {**urls, "BODY": str(work / "body")}
        for factory in ("tutorial", "bare"):
            services.append(stack.enter_context(written(work, factory, variables)))
        for turn in range(rounds):
            print(f"Round {turn + 1} of {rounds} …", flush=True)
            for case in CASES:
                for service in services:
                    if service.name == BARE and case.path != "/":
                        continue
                    if service.name == TUTORIAL and not case.tutorial:
                        continue
                    service.ask(case, seconds)
        for service in services:
            if service.name != BARE:
                computed, slowest = herd(service)
                service.seen["herd: computations of 50"] = [computed]
                service.seen["herd: slowest, seconds"] = [slowest]
            service.seen["slowest beside slow clients, seconds"] = [beside_slow_clients(service)]
    return services


def table(services: list[Service]) -> str:
    """Ratios to bare Flask's page, in the form of Markdown."""
    (bare,) = [service for service in services if service.name == BARE]
    base = bare.seen["page"]
    lines = [
        "| | " + " | ".join(service.name for service in services) + " |",
        "|---" * (len(services) + 1) + "|",
    ]
    names = [case.name for case in CASES]
    names += [name for name in services[0].seen if name not in names]
    for name in names:
        cells = []
        for service in services:
            figures = service.seen.get(name, [])
            if len(figures) == len(base) and name in {case.name for case in CASES}:
                ratio = statistics.median(f / b for f, b in zip(figures, base, strict=True))
                cells.append(f"{ratio:.2f}")
            else:
                cells.append(f"{figures[0]:.3g}" if figures else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(seconds: float = 2, rounds: int = 3) -> None:
    services = measure(seconds, rounds)
    figures = {service.name: service.seen for service in services}
    (FOLDER / "serving.json").write_text(json.dumps(figures, indent=1) + "\n")
    bare = statistics.median(figures[BARE]["page"])
    print(f"\n{table(services)}\n\n1.00 is {bare:,.0f} requests a second here.")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(float(given[0]) if given else 2, int(given[1]) if given[1:] else 3)
