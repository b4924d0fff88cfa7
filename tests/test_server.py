"""The documented command in production: its workers, their log and metrics, and a stop."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import demand_servers
from tests.processes import free_port, get, stopped, wait_until
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
        whole, *_ = self.log.read_text().rpartition("\n")  # the last line may be on its way
        lines = whole.splitlines()
        assert all(line.startswith("{") for line in lines), whole
        return [json.loads(line) for line in lines]

    def workers(self) -> set[int]:
        """The process ids of those that run."""
        told = "\n".join(line["message"] for line in self.lines())
        started = map(int, re.findall(r"^Started worker \d+ with pid (\d+)$", told, re.MULTILINE))
        return {pid for pid in started if Path(f"/proc/{pid}").exists()}

    def visit(self, path: str, **headers: str) -> httpx.Response:
        """A request on a connection of its own, which any worker may accept."""
        return get(self.client.base_url.join(path), headers=headers)

    def scrape(self) -> dict[str, float]:
        """The samples of /metrics by name and labels."""
        scraped = get(self.metrics_url)
        assert scraped.status_code == 200
        return {sample: float(value) for sample, value in SAMPLE.findall(scraped.text)}

    def requests(self, endpoint: str) -> float:
        labels = f'{{endpoint="{endpoint}",method="GET",status="200"}}'
        return self.scrape().get(f"flask_http_request_duration_seconds_count{labels}", 0)


@pytest.fixture(scope="module")
def project(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BakedProject]:
    project = bake(tmp_path_factory.mktemp("server"), ANSWERS)
    demand_servers(project.answers)
    with servers.environment(project.answers, database="unused") as urls:
        production = {"APP_ENV": "production", "WEB_CONCURRENCY": "2", **SECRETS, **urls}
        project = replace(project, variables={**project.variables, **production})
        project.run("make install")
        shutil.copy(Path(__file__).parent / "views.py", project.path)
        project.run("uv run flask db upgrade")
        project.run("uv run flask shop seed")
        yield project


@contextmanager
def serving(project: BakedProject, *changes: str, **variables: str) -> Iterator[Service]:
    """The service, after `changes` as in BakedProject.serving."""
    port = str(free_port())
    with project.serving(*changes, METRICS_PORT=port, **variables) as client:
        service = Service(client, f"http://127.0.0.1:{port}/metrics", project.log(client))
        wait_until(lambda: len(service.workers()) == 2)
        yield service


@pytest.fixture
def service(project: BakedProject) -> Iterator[Service]:
    with serving(project) as service:
        yield service


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
    os.kill(ended, signal.SIGTERM)
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


def test_a_stop_writes_every_line_of_the_log(project: BakedProject) -> None:
    ids = [f"visit-{number:04}" for number in range(20)]
    slowly = "from my_service.engine import log; log.PAUSE = 60"
    with project.serving(slowly) as client:
        for given in ids:
            assert client.get("/", headers={"X-Request-ID": given}).is_success
    log = project.log(client).read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    written = [line["request_id"] for line in lines if line.get("path") == "/"]
    assert sorted(written) == sorted(ids)


def test_cookies_that_are_not_ascii_are_refused_where_a_session_is_used(service: Service) -> None:
    def ask(path: str) -> httpx.Response:
        url = service.client.base_url.join(path)
        return get(url, headers=[(b"Cookie", "name=café".encode())])

    assert ask("/").status_code == 200
    refused = ask("/cart")
    assert refused.status_code == 400
    assert refused.headers["Clear-Site-Data"] == '"cookies"'


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
        assert 'href="/shop/cart"' in get(f"{address}/cart").text


def answers(url: str) -> bool:
    try:
        return get(url).is_success
    except httpx.ConnectError:
        return False


@contextmanager
def booting(
    project: BakedProject, log: Path, *arguments: str, code: int = 0, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A service that may not be ready yet, and ends with that code at the end of the block.

    `arguments` come after `python`.
    """
    with log.open("w") as output:
        process = subprocess.Popen(
            [project.path / ".venv" / "bin" / "python", *(arguments or project.service()[1:])],
            cwd=project.path,
            env={**project.variables, "METRICS_PORT": str(free_port()), **variables},
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.terminate()
            ended = process.wait(35)
    assert ended == code, log.read_text()


def test_metrics_are_not_shown_through_a_socket_that_is_a_file(
    project: BakedProject, tmp_path: Path
) -> None:
    path, port = tmp_path / "socket", free_port()
    arguments = *project.service()[1:], str(path)
    transport = httpx.HTTPTransport(uds=str(path))
    with (
        booting(project, tmp_path / "log", *arguments, METRICS_PORT=str(port)),
        httpx.Client(transport=transport, base_url="http://service") as client,
    ):
        wait_until(lambda: connects(str(path)))
        assert client.get("/livez").status_code == 200
        assert client.get(f"http://service:{port}/metrics").status_code == 404
        assert get(f"http://127.0.0.1:{port}/metrics").status_code == 200
    assert not path.exists()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("booted", [0, 1, 2, 3, 4])
def test_a_stop_while_workers_boot_is_quiet(
    project: BakedProject, booted: int, stop: signal.Signals
) -> None:
    log = project.path / "var" / "stopped.log"
    port = free_port()
    with booting(project, log, PORT=str(port), WEB_CONCURRENCY="4") as process:
        if booted:
            wait_until(lambda: log.read_text().count("Started worker") >= booted)
        else:
            wait_until(lambda: connects(port))
        process.send_signal(stop)
        process.wait(10)
    assert "Error" not in log.read_text()
    assert "Traceback" not in log.read_text()


def connects(place: int | str) -> bool:
    """Whether something listens on a port, or on a socket that is a file."""
    family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
    address = place if isinstance(place, str) else ("127.0.0.1", place)
    with socket.socket(family) as client:
        return client.connect_ex(address) == 0


VIEWS = "service.create_app = lambda: __import__('views').create_app()"


def ask(port: int, path: str, connected: Callable[[], None]) -> str:
    """What comes of a request on a connection of its own."""
    try:
        client = socket.create_connection(("127.0.0.1", port), 60)
    except ConnectionError:  # a reset, if the listener ends in the middle of it
        return "refused"
    connected()
    with client:
        try:
            client.sendall(f"GET {path} HTTP/1.0\r\nHost: service\r\n\r\n".encode())
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        except ConnectionError:
            return "reset"
    return "answered" if answer.endswith(b"whole") else "cut off"


class Visitors:
    """They ask at the same time, or one after the other within some seconds."""

    def __init__(self, service: Service, number: int, path: str, seconds: float = 0) -> None:
        port = service.client.base_url.port or 0
        self._outcomes: list[str] = []
        self.connected = 0

        def count() -> None:
            self.connected += 1

        def come(when: float) -> None:
            time.sleep(when)
            self._outcomes.append(ask(port, path, count))

        moments = [seconds * turn / number for turn in range(number)]
        self._threads = [threading.Thread(target=come, args=(when,)) for when in moments]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    def outcomes(self) -> Counter[str]:
        return Counter(self._outcomes)


@pytest.mark.parametrize(("seconds", "before"), [(0, 1000), (2, 300)])
def test_a_stop_cuts_nobody_off(project: BakedProject, seconds: float, before: int) -> None:
    """Whoever came before it, and whoever comes while the service stops and is not refused."""
    with serving(project, VIEWS) as service:
        visitors = Visitors(service, 1000, "/slow/0.05", seconds)
        with visitors:
            wait_until(lambda: visitors.connected >= before)
            os.kill(parent(service), signal.SIGTERM)
    assert visitors.outcomes().keys() <= {"answered", "refused"}
    assert visitors.outcomes()["answered"] >= before


def parent(service: Service) -> int:
    status = Path(f"/proc/{min(service.workers())}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


NEWCOMER = """
import socket
from {package}.engine import server

forbidden = []

class Listener(socket.socket):
    def setsockopt(self, *given):
        try:
            super().setsockopt(*given)
        except OSError as error:
            forbidden.append(error)
            raise

with Listener() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    known = socket.create_connection(listener.getsockname())
    server._take_nobody(listener)
    try:
        socket.create_connection(listener.getsockname(), 0.5)
    except TimeoutError:
        print("nobody" if listener.accept() else "")
    else:
        print("nobody" if forbidden else "somebody")
"""


def test_nobody_comes_after_the_last_look_into_the_queue(project: BakedProject) -> None:
    """Unless the kernel forbids it, as some sandboxes do."""
    code = NEWCOMER.format(package=project.package.name)
    assert project.run(["uv", "run", "python", "-c", code]).strip() == "nobody"


def test_old_workers_are_replaced_and_nobody_notices(project: BakedProject) -> None:
    young = "service.LIMITS = replace(service.LIMITS, lifetime=2)"
    with serving(project, VIEWS, young) as service:
        before = service.workers()
        visitors = Visitors(service, 600, "/slow/0.01", 6)
        with visitors:
            pass
        assert visitors.outcomes() == {"answered": 600}
        wait_until(lambda: not before & service.workers())


def test_a_single_worker_is_never_too_old(project: BakedProject, tmp_path: Path) -> None:
    young = "service.LIMITS = replace(service.LIMITS, lifetime=0.1)"
    port = str(free_port())
    arguments = project.service(young)[1:]
    log = tmp_path / "log"
    with booting(project, log, *arguments, PORT=port, WEB_CONCURRENCY="1"):
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/livez"))
        time.sleep(2)  # it would be replaced twice
    assert log.read_text().count("Started worker") == 1


def test_a_killed_worker_costs_its_own_requests_only(project: BakedProject) -> None:
    with serving(project, VIEWS) as service:
        visitors = Visitors(service, 300, "/slow/0.01", 3)
        with visitors:
            wait_until(lambda: visitors.connected >= 100)
            os.kill(min(service.workers()), signal.SIGKILL)
    assert visitors.outcomes()["answered"] >= 290
    assert visitors.outcomes()["refused"] == 0


@pytest.fixture(scope="module")
def service_with_views(project: BakedProject) -> Iterator[Service]:
    with serving(project, VIEWS) as service:
        yield service


@pytest.mark.parametrize("how", ["stopped", "without the lock of the interpreter"])
def test_a_worker_that_hangs_is_replaced(project: BakedProject, how: str) -> None:
    impatient = "service.LIMITS = replace(service.LIMITS, hung=2)"
    with serving(project, VIEWS, impatient) as service:
        before = service.workers()
        if how == "stopped":
            os.kill(min(before), signal.SIGSTOP)
        else:
            with Visitors(service, 1, "/hang"):
                pass
        wait_until(lambda: len(before & service.workers()) == 1)
        wait_until(lambda: len(service.workers()) == 2)
        wait_until(lambda: service.visit("/livez").is_success)


def test_workers_end_when_their_parent_is_killed(project: BakedProject, tmp_path: Path) -> None:
    log, port = tmp_path / "log", free_port()
    with booting(project, log, PORT=str(port), code=-signal.SIGKILL) as process:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/livez"))
        process.kill()
        wait_until(lambda: not connects(port), 10)


def test_a_port_that_is_taken_is_a_sentence(service: Service, project: BakedProject) -> None:
    log, free = project.path / "var" / "taken.log", str(free_port())
    taken = str(service.client.base_url.port)
    for variable in ("PORT", "METRICS_PORT"):
        ports = {"PORT": free, "METRICS_PORT": free, variable: taken}
        with booting(project, log, code=1, **ports) as process:
            process.wait(10)
        said = log.read_text().splitlines()[-1]
        assert said == f"{variable} {taken} cannot be used: address already in use."
        assert "Traceback" not in log.read_text()


def test_an_app_that_cannot_be_made_ends_the_service(project: BakedProject, tmp_path: Path) -> None:
    arguments = project.service("service.create_app = lambda: 1 / 0")[1:]
    with booting(project, tmp_path / "log", *arguments, code=1, PORT=str(free_port())) as process:
        process.wait(10)
    *lines, last = (tmp_path / "log").read_text().splitlines()
    assert last == "The service stops, because a worker cannot start."
    assert sum("Started worker" in line for line in lines) == 2
    assert "ZeroDivisionError" in "".join(json.loads(line).get("exception", "") for line in lines)


@contextmanager
def dribbling(service: Service, begin: bytes, number: int) -> Iterator[list[socket.socket]]:
    """So many clients, each of which sends one more byte now and then."""
    address = "127.0.0.1", service.client.base_url.port
    stop = threading.Event()
    clients = [socket.create_connection(address) for _ in range(number)]

    def dribble() -> None:
        while not stop.wait(0.1):
            for client in clients:
                with suppress(ConnectionError):
                    client.sendall(b"a")

    for client in clients:
        client.sendall(begin)
    thread = threading.Thread(target=dribble)
    thread.start()
    try:
        yield clients
    finally:
        stop.set()
        thread.join()
        for client in clients:
            client.close()


def test_clients_that_send_slowly_delay_nobody(project: BakedProject) -> None:
    with (
        serving(project, "service.LIMITS = replace(service.LIMITS, keepalive=2)") as service,
        dribbling(service, b"GET / HTTP/1.1\r\nX: ", 50) as clients,
    ):
        for _ in range(20):
            assert service.visit("/livez").elapsed.total_seconds() < 1
        for client in clients:  # which are sent away in the end
            client.settimeout(10)
            with suppress(ConnectionError):
                assert client.recv(100) == b""


def exchange(service: Service, sent: str) -> str:
    """The answers to requests without a body, which may be indented."""
    lines = [line.strip() for line in sent.strip().splitlines()]
    return send(service, "\r\n".join([*lines, "", ""]))


def send(service: Service, sent: str, leave: bool = False) -> str:
    """All that the service says to exactly this, perhaps the last that the client sends."""
    said = b""
    address = "127.0.0.1", service.client.base_url.port
    with socket.create_connection(address, 10) as client, suppress(ConnectionError):
        client.sendall(sent.encode("latin-1"))
        if leave:
            client.shutdown(socket.SHUT_WR)
        while received := client.recv(65536):
            said += received
    return said.decode("latin-1")


def test_answers_on_one_connection_do_not_run_into_each_other(
    service_with_views: Service,
) -> None:
    etag = service_with_views.visit("/").headers["ETag"]
    said = exchange(
        service_with_views,
        f"""
        GET / HTTP/1.1
        Host: service
        If-None-Match: {etag}

        HEAD /stream HTTP/1.1
        Host: service

        HEAD /file HTTP/1.1
        Host: service

        GET /stream HTTP/1.1
        Host: service

        GET /livez HTTP/1.1
        Host: service
        Connection: close
        """,
    )
    assert re.findall(r"^HTTP/1.1 (\d+)", said, re.M) == ["304", "200", "200", "200", "200"]
    assert said.count("three") == 1
    assert said.endswith('{"status":"ok"}\n')


def test_responses_arrive_as_the_app_made_them(service_with_views: Service) -> None:
    assert service_with_views.visit("/stream").text == "one two three"
    assert "def file()" in service_with_views.visit("/file").text
    cookies = service_with_views.visit("/cookies").headers.get_list("Set-Cookie")
    assert cookies == ["a=1; Path=/", "b=2; Path=/"]


def test_requests_arrive_as_wsgi_says(service_with_views: Service) -> None:
    port = service_with_views.client.base_url.port
    address = f"http://127.0.0.1:{port}/environ/a%2Fb%20%C3%A9/;x?q=%C3%A9&q=%2F"
    twice = [("X-Twice", "1"), ("X-Twice", "2"), ("Cookie", "a=1"), ("Cookie", "b=2")]
    environ = get(address, headers=twice).json()
    assert environ["PATH_INFO"] == "/environ/a/b \u00c3\u00a9/;x"
    assert environ["QUERY_STRING"] == "q=%C3%A9&q=%2F"
    assert environ["HTTP_X_TWICE"].replace(" ", "") == "1,2"
    assert environ["HTTP_COOKIE"].replace(" ", "") == "a=1;b=2"
    assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"]) == ("127.0.0.1", str(port))
    assert environ["SCRIPT_NAME"] == ""
    for secret in SECRETS.values():
        assert secret not in str(environ)


BODIES = [
    ("Content-Length: 3", "abc", "200"),
    ("Transfer-Encoding: chunked", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "200"),
    ("Content-Length: 3\r\nExpect: 100-continue", "abc", "200"),
    ("Content-Length: 9", "abc", "400"),  # the client is gone
    ("Content-Length: 3\r\nContent-Length: 4", "abc", "400"),
    ("Content-Length: 99999999", "abc", "413"),
]


@pytest.mark.parametrize(("header", "body", "status"), BODIES)
def test_bodies_arrive_whole_or_not_at_all(
    service_with_views: Service, header: str, body: str, status: str
) -> None:
    head = f"POST /echo HTTP/1.1\r\nHost: service\r\nConnection: close\r\n{header}\r\n\r\n"
    said = send(service_with_views, head + body, leave="Content-Length: 9" in header)
    assert re.findall(r"^HTTP/1.1 ([2-5]\d\d)", said, re.M) == [status]
    assert said.endswith("\r\n\r\nabc") == (status == "200")


@pytest.mark.parametrize(
    ("begin", "status"),
    [
        (f"GET / HTTP/1.1\r\nX: {'a' * 140_000}", "431"),
        ("GET / HTTP/1.1" + 101 * "\r\nX: a", "431"),
        (f"GET /{'a' * 66_000} HTTP/1.1", "414"),
        ("GET / HTTP/1.1\r\nX : a", "400"),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\nHost: localhost", "400"),
        ("GET / HTTP/1.1\r\nHost: evil.example", "400"),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: localhost", "200"),
        ("PRI * HTTP/2.0", "400"),
    ],
)
def test_odd_requests_are_refused(service_of_a_host: Service, begin: str, status: str) -> None:
    said = send(service_of_a_host, f"{begin}\r\nConnection: close\r\n\r\n")
    assert said[:12] == f"HTTP/1.1 {status}"
    assert "evil.example" not in said


@pytest.fixture(scope="module")
def service_of_a_host(project: BakedProject) -> Iterator[Service]:
    with serving(project, TRUSTED_HOSTS="localhost") as service:
        yield service


@pytest.mark.parametrize(
    ("proxies", "client"),
    [
        ("127.0.0.1", "192.0.2.7"),
        ("127.0.0.1, 192.0.2.0/24", "198.51.100.1"),
        ("*", "203.0.113.1"),
        ("198.51.100.1", "127.0.0.1"),
    ],
)
def test_the_client_is_whom_the_last_known_proxy_saw(
    project: BakedProject, proxies: str, client: str
) -> None:
    with serving(project, VIEWS, FORWARDED_ALLOW_IPS=proxies) as service:
        passed_on = {"X-Forwarded-For": "203.0.113.1, 198.51.100.1, 192.0.2.7"}
        assert service.visit("/environ/", **passed_on).json()["REMOTE_ADDR"] == client
