"""The MongoDB client: which URLs it takes, how long it waits, and that it works after a fork."""

import gc
import inspect
import multiprocessing
import socket
import sys
import weakref
from importlib.metadata import version
from typing import Any

import pytest
from pymongo.errors import (
    AutoReconnect,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
)
from pymongo.synchronous import topology

from ..hub import load_settings
from ..line import Line
from ..mongodb import client as mongodb
from ..waiting import Stopwatch, wait_until


def given_url() -> str:
    settings = load_settings()
    names = [name for name in ("cache_url", "session_url") if hasattr(settings, name)]
    urls = [getattr(settings, name).get_secret_value() for name in names]
    return str(next(url for url in urls if url.partition(":")[0] in mongodb.SCHEMES))


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://one,two:27018,[::1]:27019/app?replicaSet=rs0",
        "mongodb://me:secret@one/?authSource=admin&tls=true&timeoutMS=200",
        "mongodb+srv://me:secret@cluster.example.com/app",
    ],
)
def test_a_url_is_checked_without_a_connection(url: str) -> None:
    mongodb.connect(url)


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://",
        "mongodb://one,",
        "mongodb://one:port",
        "mongodb://one:99999",
        "mongodb://me:sec/ret@one",
        "mongodb+srv://me:secret@one:27017/app",
    ],
)
def test_a_url_that_cannot_be_used_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="is no MongoDB URL") as refusal:
        mongodb.connect(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("option", ["timeout=1", "timeoutMS=soon", "tlsCAFile=/missing.pem"])
def test_an_option_that_cannot_be_used_is_named(option: str) -> None:
    with pytest.raises(ValueError, match="has the option") as refusal:
        mongodb.connect(f"mongodb://me:secret@one/app?tls=true&{option}&appName=shop")
    name, _, value = option.partition("=")
    assert name in str(refusal.value)
    assert value not in str(refusal.value)


def test_what_the_url_says_counts_more_than_our_time_limits() -> None:
    url = "mongodb://one/?timeoutms=70"
    client = mongodb._client(url, mongodb._options(url))
    assert client.options.timeout == 0.07
    client.close()


def test_a_server_that_does_not_answer_is_an_error_each_time_and_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], 1):
            server = mongodb.connect(f"mongodb://127.0.0.1:{port}")
            for _ in range(3):
                with Stopwatch() as watch, pytest.raises(PyMongoError):
                    server.run(lambda documents: documents.find_one({}))
                assert watch.seconds < 1


def test_a_name_that_nobody_knows_is_an_error_too() -> None:
    server = mongodb.connect("mongodb+srv://cluster.invalid/app")
    with pytest.raises(PyMongoError):
        server.run(lambda documents: documents.find_one({}))


@pytest.mark.parametrize(
    ("error", "times"),
    [(AutoReconnect, 2), (NotPrimaryError, 2), (NetworkTimeout, 1), (OperationFailure, 1)],
)
def test_an_operation_is_tried_once_more_unless_it_took_too_long(
    error: type[Exception], times: int
) -> None:
    tried: list[object] = []

    def fail(documents: object) -> None:
        tried.append(documents)
        raise error("of a test")

    with pytest.raises(error):
        mongodb.connect(given_url()).run(fail)
    assert len(tried) == times


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_after_a_fork_each_process_has_its_own_client_and_the_library_does_not_warn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mongodb, "TIMEOUTS", {})
    server = mongodb.connect(given_url(), "test_forks")

    def count() -> int:
        return int(server.run(lambda documents: documents.count_documents({})))

    assert count() == 0
    child = multiprocessing.get_context("fork").Process(target=lambda: sys.exit(count()))
    child.start()
    assert count() == 0
    child.join(30)
    assert child.exitcode == 0


def test_a_client_is_closed_in_time_while_its_server_hangs() -> None:
    line = Line(given_url())
    server = mongodb.connect(line.near_end)
    wait_until(lambda: answered(server))
    line.fail("hangs")
    with Stopwatch() as watch:
        mongodb._close(client_of(server))
    assert watch.seconds < 1
    line.end()


def test_a_client_that_nobody_has_any_more_is_closed() -> None:
    line = Line(given_url())

    def used() -> Any:
        server = mongodb.connect(line.near_end)
        wait_until(lambda: answered(server))
        return weakref.ref(client_of(server))

    client = used()
    gc.collect()
    wait_until(lambda: client() is None or client()._closed)
    line.end()


def test_collections_of_one_server_share_a_client() -> None:
    line = Line(given_url())
    one, other = (mongodb.connect(line.near_end, name) for name in ("test_one", "test_other"))
    wait_until(lambda: answered(one) and answered(other))
    assert client_of(one) is client_of(other)
    line.end()


def client_of(server: Any) -> Any:
    (documents,) = server._opened.values()
    return documents.database.client


def answered(server: Any) -> bool:
    try:
        server.run(lambda documents: documents.find_one({}))
    except PyMongoError:  # on a busy machine
        return False
    return True


def test_the_server_deletes_what_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongodb, "TIMEOUTS", {})
    server = mongodb.connect(given_url(), "test_expiry")
    server.put("key", 60, value=b"")

    def indexed() -> bool:
        indexes = server.run(lambda documents: documents.index_information()).values()
        return any(index.get("expireAfterSeconds") == 0 for index in indexes)

    wait_until(indexed)
    server.run(lambda documents: documents.drop())


def test_the_private_name_of_the_library_is_in_its_place() -> None:
    assert "common.MIN_HEARTBEAT_INTERVAL" in inspect.getsource(topology), (
        f"pymongo {version('pymongo')} does not wait for MIN_HEARTBEAT_INTERVAL any more: "
        "engine/clients/mongodb.py sets it."
    )
    patience = mongodb.TIMEOUTS["serverSelectionTimeoutMS"] / 1000  # seconds
    assert patience > mongodb.common.MIN_HEARTBEAT_INTERVAL
