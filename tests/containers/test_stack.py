"""`make up`: a service that works at once, what it shows of itself, and how it ends."""

import asyncio
import re
import shlex
import socket
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import replace

import httpx
import pytest

from tests.containers.conftest import on
from tests.containers.load import CUT_OFF, REFUSED, Request, ask, filled_cart, pieces
from tests.containers.stack import TOKEN, Stack
from tests.processes import free_port, get

pytestmark = pytest.mark.containers

IN_FLIGHT = 1000  # requests
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def test_it_serves_a_catalogue_at_once(stack: Stack) -> None:
    with stack.client() as client:
        assert client.get("/readyz").json()["status"] == "ok"
        assert client.get("/").status_code == 200
        catalogue = client.get("/api/products").json()
        assert catalogue["total"] >= 40
    assert pieces(stack.port, filled_cart(stack.port)) == 1


def test_every_service_is_healthy_and_the_migration_has_ended(stack: Stack) -> None:
    states = {service: stack.inspect(service)["State"] for service in stack.services}
    migrated = states.pop("migrate", {"Status": "exited", "ExitCode": 0})
    assert (migrated["Status"], migrated["ExitCode"]) == ("exited", 0)
    assert {
        service: state["Health"]["Status"] for service, state in states.items()
    } == dict.fromkeys(states, "healthy")


def test_the_web_port_alone_is_published_and_to_this_machine_only(stack: Stack) -> None:
    published = {
        (service, inside): bindings
        for service in stack.services
        for inside, bindings in stack.inspect(service)["NetworkSettings"]["Ports"].items()
        if bindings
    }
    here = {"HostIp": "127.0.0.1", "HostPort": str(stack.port)}
    assert published == {("web", "8000/tcp"): [here]}


@on("redis/redis/postgresql")
def test_the_cache_evicts_and_forgets_where_the_sessions_do_neither(stack: Stack) -> None:
    settings = "for name in maxmemory-policy appendonly save; do redis-cli config get $name; done"
    cache, sessions = (stack.shell(service, settings).split() for service in ("cache", "sessions"))
    assert cache == ["maxmemory-policy", "allkeys-lru", "appendonly", "no", "save"]
    assert sessions[:4] == ["maxmemory-policy", "noeviction", "appendonly", "yes"]
    assert {mount["Type"] for mount in stack.inspect("sessions")["Mounts"]} == {"volume"}
    assert {mount["Type"] for mount in stack.inspect("cache")["Mounts"]} == set()


@on("redis/redis/postgresql", "simple/filesystem/sqlite")
def test_what_was_written_is_there_after_down_and_up(stack: Stack) -> None:
    with stack.client() as client:
        product = client.get("/api/products/1").json()
        stock = product["stock"] + 1
        product["stock"] = stock
        assert client.put("/api/products/1", json=product, headers=AUTHORIZED).is_success
        cart = filled_cart(stack.port)
        stack.make("down")
        assert stack.compose("ps --all --quiet") == ""
        stack.make("up")
        assert client.get("/api/products/1").json()["stock"] == stock
        assert pieces(stack.port, cart) == 1
    assert "Running upgrade" not in stack.compose("logs migrate")


@on("redis/redis/postgresql", "memcached/sql/mysql", "simple/filesystem/sqlite")
def test_a_backup_replaces_what_is_later(stack: Stack) -> None:
    """By the commands of the README. The cache knows the later product, the database a table."""
    readme = (stack.project.path / "README.md").read_text()
    section = readme.partition("## Backups\n")[2].partition("\n## ")[0]
    back_up, restore = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    add_table = f"python -c {shlex.quote(LATER_TABLE)}"
    cart = filled_cart(stack.port)
    with stack.client() as client:
        product, page = client.get("/api/products/1").json(), client.get("/products/1").text
        stack.project.run(["bash", "-ec", back_up])
        stack.shell("web", add_table)
        later = product | {"stock": product["stock"] + 1}
        assert client.put("/api/products/1", json=later, headers=AUTHORIZED).is_success
        assert client.get("/api/products/1").json() == later
        assert client.get("/products/1").text != page
        stack.project.run(["bash", "-ec", restore])
        assert client.get("/api/products/1").json() == product
        assert client.get("/products/1").text == page
    stack.shell("web", add_table)  # it was gone
    in_the_database = stack.project.answers["session_store"] == "sql"
    assert pieces(stack.port, cart) == (0 if in_the_database else 1)


LATER_TABLE = """
from shop_service import create_app
from shop_service.database import db
from sqlalchemy import text

with create_app().app_context():
    db.session.execute(text("CREATE TABLE later (product INTEGER REFERENCES products (id))"))
    db.session.commit()
"""


@on("redis/redis/postgresql")
def test_three_web_containers_are_one_service_migrated_once(stack: Stack) -> None:
    ports = free_ports(3)
    variables = {"COMPOSE_PROJECT_NAME": f"{stack.image}-3", "PORT": f"{ports[0]}-{ports[-1]}"}
    project = replace(stack.project, variables={**stack.project.variables, **variables})
    stack = replace(stack, project=project)
    try:
        stack.compose("up --wait --scale web=3")
        assert stack.compose("logs migrate").count("Running upgrade") == 1
        urls = [f"http://127.0.0.1:{port}/api/products/1" for port in ports]
        product = get(urls[0]).json()
        for product["stock"], url in enumerate(urls):
            assert httpx.put(url, json=product, headers=AUTHORIZED).is_success
            assert [get(url).json() for url in urls] == [product] * 3
    finally:
        stack.compose("down --volumes --timeout 1")


def free_ports(number: int) -> range:
    """So many in a row."""
    while True:
        first = free_port()
        ports = range(first, first + number)
        with suppress(OSError), ExitStack() as probes:
            for port in ports:
                probes.enter_context(socket.create_server(("127.0.0.1", port)))
            return ports


def test_of_a_thousand_requests_in_flight_a_restart_cuts_off_none(stack: Stack) -> None:
    """Asked at the container's own address: Docker's proxy accepts what nobody listens to."""
    (network,) = stack.inspect("web")["NetworkSettings"]["Networks"].values()
    host = network["IPAddress"]
    if ask(8000, Request("/livez"), host).status == REFUSED:
        pytest.skip("the containers' network is out of reach from here")
    in_flight, newcomers = asyncio.run(restart(stack, host))
    assert in_flight == {"200": IN_FLIGHT}
    assert newcomers.keys() == {"200", REFUSED}


async def restart(stack: Stack, host: str) -> tuple[Counter[str], Counter[str]]:
    """What becomes of the requests in flight, and of those that are made meanwhile."""
    connections = await asyncio.gather(
        *(asyncio.open_connection(host, 8000) for _ in range(IN_FLIGHT))
    )
    for _, writer in connections:
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    restarting = asyncio.create_task(asyncio.to_thread(stack.compose, "restart web"))
    in_flight = asyncio.gather(*(outcome(*connection) for connection in connections))
    newcomers: Counter[str] = Counter()
    while not restarting.done():
        answer = await asyncio.to_thread(ask, 8000, Request("/"), host)
        newcomers[answer.status] += 1
    await restarting
    return Counter(await in_flight), newcomers


async def outcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """The status of an answer, provided that it came to its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length
        await reader.readexactly(int(length[1]))
        return head[9:12].decode()
    except (OSError, asyncio.IncompleteReadError):
        return CUT_OFF
    finally:
        writer.close()
