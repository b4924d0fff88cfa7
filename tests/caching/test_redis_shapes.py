"""Redis by CACHE_URL and SESSION_URL alone: TLS, a password, a socket, Sentinel, a cluster."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.caching.conftest import Service
from tests.processes import free_port, wait_until
from tests.servers import NOBODY, ROOT, Redis, executable

pytestmark = pytest.mark.run


class Shaped(Redis):
    """A server with options of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder)
        self.options = options

    def arguments(self) -> list[str]:
        return [*super().arguments(), *self.options]


class Sentinel(Redis):
    """One of those who watch a master and elect another."""

    def __init__(self, folder: Path, master: Redis) -> None:
        super().__init__(folder)
        self.master = master

    def prepare(self) -> None:
        configuration = self.folder / "sentinel.conf"
        configuration.write_text(
            f"sentinel monitor mymaster 127.0.0.1 {self.master.port} 2\n"
            "sentinel down-after-milliseconds mymaster 500\n"
            "sentinel failover-timeout mymaster 2000\n"
        )
        if ROOT:
            shutil.chown(configuration, "nobody")

    def arguments(self) -> list[str]:
        return ["sentinel.conf", "--sentinel", "--bind", "127.0.0.1", "--port", str(self.port)]


@pytest.fixture
def start() -> Iterator["Start"]:
    with Start() as start:
        yield start


class Start(ExitStack):
    """Starts servers that end with the test."""

    def folder(self) -> Path:
        folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="redis-")))
        if ROOT:
            shutil.chown(folder, "nobody")
        return folder

    def __call__(self, server: Redis) -> Redis:
        return self.enter_context(server.started())


def check(service: Service, url: str) -> None:
    project = service("redis")
    shutil.copy(Path(__file__).parent / "shapes.py", project.path)
    said = project.run("uv run python shapes.py", CACHE_URL=url, SESSION_URL=url)
    assert said.splitlines()[-1] == "every shape holds"


def test_encrypted_with_a_certificate_that_is_verified(service: Service, start: Start) -> None:
    folder = start.folder()
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", "key.pem", "-out", "cert.pem"),
        ],
        cwd=folder,
        check=True,
        stderr=subprocess.DEVNULL,
        **NOBODY,
    )
    server = Encrypted(folder)
    start(server)
    url = f"rediss://127.0.0.1:{server.tls_port}/0"
    folder.chmod(0o755)
    check(service, f"{url}?ssl_ca_certs={folder}/cert.pem")
    with pytest.raises(AssertionError, match="The cache is down"):
        check(service, url)  # nobody vouches for the certificate


class Encrypted(Redis):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tls_port = self.port + 1

    def arguments(self) -> list[str]:
        return [
            *super().arguments(),
            *("--tls-port", str(self.tls_port), "--tls-auth-clients", "no"),
            *("--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem"),
            *("--tls-ca-cert-file", "cert.pem"),
        ]


def test_on_a_unix_socket(service: Service, start: Start) -> None:
    folder = start.folder()
    folder.chmod(0o755)
    start(Shaped(folder, "--unixsocket", "socket", "--unixsocketperm", "777"))
    check(service, f"unix://{folder}/socket?db=1")


def test_with_a_password(service: Service, start: Start) -> None:
    server = start(Protected(start.folder(), "--requirepass", "a p@ss"))
    check(service, f"redis://:a%20p%40ss@127.0.0.1:{server.port}/0")


def test_with_an_acl_user_who_may_touch_nothing_else(service: Service, start: Start) -> None:
    rules = [
        "--user",
        "service",
        "on",
        ">p@ss",
        "~my-service:cache:*",
        "~my-service:session:*",
        "+@all",
        "-@dangerous",
        "+info",
    ]
    server = start(Shaped(start.folder(), *rules))
    check(service, f"redis://service:p%40ss@127.0.0.1:{server.port}/0")


class Protected(Shaped):
    def ready(self) -> bool:
        return "NOAUTH" in self.ask("PING")


def test_a_cluster_of_three(service: Service, start: Start) -> None:
    nodes = [start(Node(start.folder())) for _ in range(3)]
    addresses = [f"127.0.0.1:{node.port}" for node in nodes]
    subprocess.run(
        [executable("redis-cli"), "--cluster", "create", *addresses, "--cluster-yes"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    wait_until(lambda: all(map(healthy, nodes)))
    check(service, f"redis+cluster://{addresses[0]},{addresses[1]}")
    assert all(int(node.ask("DBSIZE")[1:]) > 0 for node in nodes)


class Node(Redis):
    """One of a cluster, ready before the cluster is."""

    def arguments(self) -> list[str]:
        bus = ["--cluster-port", str(free_port())]  # by default it may lie among the clients' ports
        return [*super().arguments(), "--cluster-enabled", "yes", *bus]


def healthy(node: Redis) -> bool:
    """Whether it knows all slots."""
    return node.ask("SET probe x").startswith(("+OK", "-MOVED"))


def test_sentinels_and_the_death_of_the_master(service: Service, start: Start) -> None:
    master = start(Redis(start.folder()))
    for _ in range(2):
        start(Shaped(start.folder(), "--replicaof", "127.0.0.1", str(master.port)))
    watch = [start(Sentinel(start.folder(), master)) for _ in range(3)]
    hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in watch)
    url = f"redis+sentinel://{hosts}/0?service_name=mymaster"
    wait_until(lambda: all(knows(sentinel, replicas=2, others=2) for sentinel in watch))
    check(service, url)

    with service("redis").serving(CACHE_URL=url, SESSION_URL=url, WEB_CONCURRENCY="1") as client:

        def visit() -> tuple[float, bool]:
            begun = time.monotonic()
            answer = client.get("/")
            assert answer.status_code == 200
            return time.monotonic() - begun, "hit" in answer.headers["Cache-Status"]

        def carted() -> bool:
            summary = client.get("/cart/summary")
            assert summary.status_code in (200, 503)
            return summary.is_success and summary.json()["count"] == 3

        client.post("/cart/add", data={"product_id": 1, "quantity": 3})
        assert carted()
        usual = max(visit()[0] for _ in range(20))
        assert visit()[1]
        wait_until(lambda: master.ask("WAIT 2 1000") == ":2")  # both replicas have a first copy
        master.process.kill()
        died, longest, missed = time.monotonic(), 0.0, False
        while not missed or time.monotonic() - died < 20:
            seconds, was_hit = visit()
            longest, missed = max(longest, seconds), missed or not was_hit
            if missed and was_hit:
                break
            time.sleep(0.05)
        assert was_hit
        wait_until(carted)
        print(
            f"failover: longest {longest:.2f} s instead of {usual:.2f} s, "
            f"hits again after {time.monotonic() - died:.1f} s"
        )
        assert longest < 0.5 + 4 * usual


def knows(sentinel: Redis, replicas: int, others: int) -> bool:
    said = subprocess.run(
        [executable("redis-cli"), "-p", str(sentinel.port), "SENTINEL", "MASTER", "mymaster"],
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.split()
    state = dict(zip(said[::2], said[1::2], strict=False))
    return (state.get("num-slaves"), state.get("num-other-sentinels")) == (
        str(replicas),
        str(others),
    )
