"""The suite's own servers: apart from each other, empty at first, and gone in the end."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pymongo
import pytest
import sqlalchemy

from tests.conftest import demand_servers
from tests.processes import wait_until
from tests.questions import REPOSITORY
from tests.servers import KINDS, Servers, execute, given

pytestmark = pytest.mark.slow
ALL = [
    {"cache_backend": "redis", "session_store": "memcached", "database": "postgresql"},
    {"cache_backend": "memcached", "session_store": "redis", "database": "mysql"},
]
DOCUMENTS = {"cache_backend": "mongodb", "session_store": "mongodb", "database": "none"}
# A test that holds servers until its pytest is ended.
HOLDING_TEST = """
import json, signal
from tests.conftest import *

def test_hold(servers):
    with servers.environment({answers}, "held") as urls:
        with open("{urls}", "w") as file:
            json.dump([*urls.values()], file)
        signal.pause()
"""


@pytest.fixture(autouse=True)
def own_servers() -> None:
    """These tests are about the suite's own servers: where others are given they have no say."""
    if any(given(kind) for kind in KINDS):
        pytest.skip("the suite is given servers")
    for answers in [*ALL, DOCUMENTS]:
        demand_servers(answers)


def test_cache_and_sessions_have_servers_of_their_own(servers: Servers) -> None:
    answers = {"cache_backend": "redis", "session_store": "redis", "database": "none"}
    with servers.environment(answers, "shop") as urls:
        assert urls.keys() == {"CACHE_URL", "SESSION_URL"}
        assert urls["CACHE_URL"] != urls["SESSION_URL"]


@pytest.mark.parametrize("answers", ALL)
def test_an_environment_begins_empty(answers: dict[str, str], servers: Servers) -> None:
    with servers.environment(answers, "shop") as urls:
        redis = urls["CACHE_URL" if answers["cache_backend"] == "redis" else "SESSION_URL"]
        say(redis, "SET key value")
        execute(urls["DATABASE_URL"], "CREATE TABLE remembered (id INTEGER)")
        assert say(redis, "EXISTS key") == ":1"
    with servers.environment(answers, "shop") as urls:
        assert say(redis, "EXISTS key") == ":0"
        with pytest.raises(sqlalchemy.exc.SQLAlchemyError):
            execute(urls["DATABASE_URL"], "SELECT * FROM remembered")


def test_an_environment_has_no_documents_at_first(servers: Servers) -> None:
    for _ in range(2):
        with servers.environment(DOCUMENTS, "shop") as urls:
            for url in urls.values():
                with pymongo.MongoClient[dict[str, str]](url) as client:
                    assert client.shop.documents.count_documents({}) == 0
                    client.shop.documents.insert_one({"_id": "key"})


def test_given_servers_are_used_and_left_as_they_are(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"cache_backend": "redis", "session_store": "cookie", "database": "postgresql"}
    with servers.environment(answers, "shop") as urls:
        monkeypatch.setenv("TEST_REDIS_URL", urls["CACHE_URL"])
        monkeypatch.setenv("TEST_POSTGRESQL_URL", urls["DATABASE_URL"])
        say(urls["CACHE_URL"], "SET key value")
        with Servers() as others, others.environment(answers, "other") as given:
            assert given["CACHE_URL"] == urls["CACHE_URL"]
            assert given["DATABASE_URL"] == urls["DATABASE_URL"].replace("/shop", "/other")
        assert say(urls["CACHE_URL"], "EXISTS key") == ":1"


@pytest.mark.parametrize(
    ("end", "send", "workers"),
    [
        pytest.param(signal.SIGINT, os.killpg, 1, id="ctrl-c"),
        pytest.param(signal.SIGTERM, os.kill, 0, id="terminated"),
        pytest.param(signal.SIGKILL, os.kill, 1, id="killed"),
    ],
)
def test_servers_end_with_their_pytest(
    end: signal.Signals, send: Callable[[int, int], None], workers: int, tmp_path: Path
) -> None:
    urls = tmp_path / "urls.json"
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    (tmp_path / "test_hold.py").write_text(HOLDING_TEST.format(answers=ALL[0], urls=urls))
    pytest_run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-c/dev/null", f"-n{workers}", tmp_path],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        process_group=0,
    )
    wait_until(lambda: urls.exists() and urls.read_text().endswith("]"))
    addresses = [sqlalchemy.make_url(url) for url in json.loads(urls.read_text())]
    assert all(map(listening, addresses))
    send(pytest_run.pid, end)
    wait_until(lambda: not any(map(listening, addresses)))
    pytest_run.wait(30)


def listening(address: sqlalchemy.URL) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address.host, address.port)) == 0


def say(url: str, line: str) -> str:
    """The first line of a Redis server's answer."""
    address = sqlalchemy.make_url(url)
    with socket.create_connection((address.host or "", address.port or 0), 5) as connection:
        connection.sendall(f"{line}\r\n".encode())
        return connection.makefile().readline().strip()
