"""The documented command, `gunicorn`, in production: its workers, their log and their metrics."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import demand_servers
from tests.processes import free_port, wait_until
from tests.project import BakedProject, bake
from tests.servers import Servers

pytestmark = pytest.mark.run

ANSWERS = {"cache_backend": "redis", "session_store": "redis", "database": "sqlite"}
SECRETS = {"SECRET_KEY": "a-secret-key-" + "k" * 32, "API_TOKEN": "a-secret-token"}
SAMPLE = re.compile(r"^(\w[^ ]*) (\S+)$", re.MULTILINE)
COUNTER = re.compile(r"\w+(_total|_count|_sum|_bucket)\b")  # which grows, or stays


@dataclass(frozen=True)
class Service:
    client: httpx.Client
    metrics_url: str
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def workers(self) -> set[int]:
        """The process ids of those that run."""
        told = "\n".join(line["message"] for line in self.lines())
        started = map(int, re.findall(r"^Booting worker with pid: (\d+)$", told, re.MULTILINE))
        return {pid for pid in started if Path(f"/proc/{pid}").exists()}

    def visit(self, path: str, **headers: str) -> httpx.Response:
        """A request on a connection of its own, which any worker may accept."""
        return httpx.get(self.client.base_url.join(path), headers=headers)

    def scrape(self) -> dict[str, float]:
        """The samples of /metrics by name and labels."""
        scraped = httpx.get(self.metrics_url)
        assert scraped.status_code == 200
        return {sample: float(value) for sample, value in SAMPLE.findall(scraped.text)}

    def requests(self, endpoint: str) -> float:
        labels = f'{{endpoint="{endpoint}",method="GET",status="200"}}'
        return self.scrape().get(f"flask_http_request_duration_seconds_count{labels}", 0)


@pytest.fixture(scope="module")
def project(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BakedProject]:
    project = bake(tmp_path_factory.mktemp("gunicorn"), ANSWERS)
    demand_servers(project.answers)
    with servers.environment(project.answers, database="unused") as urls:
        production = {"APP_ENV": "production", "WEB_CONCURRENCY": "2", **SECRETS, **urls}
        project = replace(project, variables={**project.variables, **production})
        project.run("make install")
        project.run("uv run flask db upgrade")
        project.run("uv run flask shop seed")
        yield project


@contextmanager
def serving(project: BakedProject, **variables: str) -> Iterator[Service]:
    port = str(free_port())
    log = project.path / "var" / "gunicorn.log"
    with project.serving(METRICS_PORT=port, **variables) as client:
        service = Service(client, f"http://127.0.0.1:{port}/metrics", log)
        wait_until(lambda: len(service.workers()) == 2)
        yield service


@pytest.fixture
def service(project: BakedProject) -> Iterator[Service]:
    with serving(project) as service:
        yield service


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_metrics_are_those_of_all_workers_together(service: Service) -> None:
    for worker in service.workers():
        with stopped(worker):  # so that the other one serves
            for _ in range(3):
                assert service.visit("/api/products").status_code == 200

    for _ in range(4):  # whoever answers
        assert service.requests("api.products") == 6


def test_metrics_are_not_for_the_public(service: Service) -> None:
    assert service.visit("/metrics").status_code == 404
    assert service.visit("/metrics", Host=httpx.URL(service.metrics_url).netloc.decode()).is_error


def test_a_worker_that_was_killed_is_replaced_and_its_counts_stay(service: Service) -> None:
    for _ in range(20):
        service.visit("/api/products")
    ended = min(service.workers())
    scrapes: list[dict[str, float]] = []
    os.kill(ended, signal.SIGKILL)

    def replaced() -> bool:
        scrapes.append(service.scrape())
        return len(service.workers() - {ended}) == 2

    wait_until(replaced)
    service.visit("/api/products")
    assert service.requests("api.products") == 21
    for earlier, later in pairwise(scrapes):
        counters = filter(COUNTER.match, earlier)
        assert [sample for sample in counters if later.get(sample, 0) < earlier[sample]] == []


def test_a_cache_is_down_for_all_when_it_is_for_one_worker(project: BakedProject) -> None:
    with serving(project, CACHE_URL=f"redis://127.0.0.1:{free_port()}") as service:
        assert service.scrape()["cache_down"] == 0
        one, other = service.workers()
        with stopped(one):  # so that the other one sees it
            assert service.visit("/").status_code == 200
        assert [service.scrape()["cache_down"] for _ in range(4)] == [1] * 4

        os.kill(other, signal.SIGKILL)
        wait_until(lambda: len(service.workers() - {other}) == 2)
        wait_until(lambda: service.scrape()["cache_down"] == 0)


def test_every_line_of_the_log_is_an_object_that_tells_its_request_and_no_secret(
    service: Service,
) -> None:
    kept = service.visit("/", **{"X-Request-ID": "trace-0123456789"})
    replaced = service.visit("/", **{"X-Request-ID": "two words"})
    token = {"Authorization": f"Bearer {SECRETS['API_TOKEN']}"}
    service.client.post("/api/products", json={"name": "Private Mug"}, headers=token)
    (product,) = service.client.get("/api/products", params={"q": "salt pig"}).json()["items"]
    cart = service.client.post("/cart/add", data={"product_id": product["id"]})
    assert cart.status_code == 303
    ended = min(service.workers())
    os.kill(ended, signal.SIGTERM)  # about which gunicorn has something to say, too
    wait_until(lambda: len(service.workers() - {ended}) == 2)

    assert kept.headers["X-Request-ID"] == "trace-0123456789"
    ids = [line["request_id"] for line in service.lines() if line.get("path") == "/"]
    assert ids == ["trace-0123456789", replaced.headers["X-Request-ID"]]
    assert re.fullmatch("[0-9a-f]{32}", ids[1])
    for line in service.lines():
        assert line.keys() >= {"time", "level", "logger", "message"}
        assert ("request_id" in line) == ("path" in line)
    (session,) = re.findall("__Host-my-service=([^;]+)", cart.headers["Set-Cookie"])
    for secret in (*SECRETS.values(), session, "salt", "Private"):
        assert secret not in service.log.read_text()


@pytest.mark.parametrize(("proxies", "scheme"), [("127.0.0.1", "https"), ("192.0.2.1", "http")])
def test_a_scheme_is_believed_of_known_proxies_only(
    project: BakedProject, proxies: str, scheme: str
) -> None:
    with serving(project, FORWARDED_ALLOW_IPS=proxies) as service:
        moved = service.visit("/cart//summary", **{"X-Forwarded-Proto": "https"})
        assert moved.is_redirect
        assert httpx.URL(moved.headers["Location"]).scheme == scheme


def test_a_header_never_says_where_the_service_is_mounted(project: BakedProject) -> None:
    headers = {"Script-Name": "//evil.example", "SCRIPT_NAME": "//evil.example"}
    with serving(project, FORWARDED_ALLOW_IPS="127.0.0.1") as service:
        seen = service.visit("/cart", **headers)
        assert seen.status_code == 200
        assert "evil.example" not in seen.text
    port = str(free_port())
    with booting(project, project.path / "var" / "mounted.log", PORT=port, SCRIPT_NAME="/shop"):
        address = f"http://127.0.0.1:{port}/shop"
        wait_until(lambda: answers(f"{address}/livez"))
        assert 'href="/shop/cart"' in httpx.get(f"{address}/cart").text


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.ConnectError:
        return False


@contextmanager
def booting(project: BakedProject, log: Path, **variables: str) -> Iterator[None]:
    """A service that may not be ready yet, and is stopped at the end of the block."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [project.path / ".venv" / "bin" / "gunicorn"],
            cwd=project.path,
            env={**project.variables, "METRICS_PORT": str(free_port()), **variables},
            stdout=output,
            stderr=output,
        )
        yield
        process.terminate()
        assert process.wait(30) == 0


def test_metrics_are_not_shown_through_a_socket_that_is_a_file(
    project: BakedProject, tmp_path: Path
) -> None:
    port, metrics, socket = str(free_port()), str(free_port()), tmp_path / "socket"
    binds = f"--bind=127.0.0.1:{port}", f"--bind=unix:{socket}"
    with (
        project.serving(*binds, PORT=port, METRICS_PORT=metrics),
        httpx.Client(transport=httpx.HTTPTransport(uds=str(socket))) as client,
    ):
        assert client.get("http://service/livez").status_code == 200
        assert client.get(f"http://service:{metrics}/metrics").status_code == 404


@pytest.mark.parametrize("booted", [1, 2, 3, 4])
def test_a_stop_while_workers_boot_is_quiet(project: BakedProject, booted: int) -> None:
    log = project.path / "var" / "stopped.log"
    with booting(project, log, PORT=str(free_port()), WEB_CONCURRENCY="4"):
        wait_until(lambda: log.read_text().count("Booting worker") >= booted)
    assert "Error" not in log.read_text()
    assert "Traceback" not in log.read_text()
