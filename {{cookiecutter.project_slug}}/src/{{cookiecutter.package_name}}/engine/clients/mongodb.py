"""A MongoDB client by URL: one server, a replica set, or the routers of a sharded cluster.

    mongodb://user:password@host:27017/database?authSource=admin
    mongodb://h1:27017,h2:27017/database?replicaSet=rs0&tls=true&tlsCAFile=/etc/ssl/ca.pem
    mongodb+srv://user:password@cluster.example.com/database

The path names the database, by default `app`. The options are PyMongo's, but all reads and writes
go to the primary, and a write is confirmed when a majority of the servers has it in its journal.
"""

import atexit
import os
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

import pymongo
from pymongo import MongoClient, ReadPreference, WriteConcern, common
from pymongo.collection import Collection
from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    InvalidOperation,
    NetworkTimeout,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from .. import urls

T = TypeVar("T")
Documents: TypeAlias = Collection[dict[str, Any]]

SCHEMES = ("mongodb", "mongodb+srv")
DATABASE = "app"
LARGEST = 16 * 2**20 - 4096  # bytes of a value: with all that is around it, a document has 16 MB
# The library's own are 30 s. `timeoutMS` is for an operation with all that it waits for.
TIMEOUTS = {"timeoutMS": 400, "serverSelectionTimeoutMS": 300, "connectTimeoutMS": 300}
ONCE = {"retryReads": False, "retryWrites": False}  # Server.run does it, and not after a timeout
KEPT = WriteConcern("majority", j=True)  # a confirmed write survives a crash and a failover
# Seconds between two looks at servers that are away. The library's own 0.5 are more than an
# operation may wait.
common.MIN_HEARTBEAT_INTERVAL = 0.1
INDEXING = 600.0  # seconds that making an index may take
INDEX_AGAIN = 10.0  # seconds until it is tried again
CLOSING = 0.4  # seconds: the library would wait for a server that hangs
clients: weakref.WeakSet[MongoClient[Any]] = weakref.WeakSet()  # which are open
# By process, URL and options.
connections: weakref.WeakValueDictionary[tuple[int, str, str], "Connection"] = (
    weakref.WeakValueDictionary()
)


def connect(url: str, collection: str = "documents") -> "Server":
    """A server with a collection of documents that expire.

    It connects on first use, but checks the URL at once. Raises ValueError, with the end of a
    sentence.
    """
    if not _taken(url):
        for option in urls.split(url)[0].query.split("&"):
            if not _taken(f"mongodb://localhost/?{option}"):
                name = option.partition("=")[0]
                raise ValueError(
                    f"has the option {name}, which PyMongo does not take with its value"
                )
        raise ValueError(
            "is no MongoDB URL: engine/clients/mongodb.py lists its forms, and special characters "
            "in a password are percent-encoded"
        )
    return Server(url, collection)


def _taken(url: str) -> bool:
    """Whether the library takes a URL. What it says otherwise may quote a password."""
    try:
        with warnings.catch_warnings(action="error"):  # it ignores unknown options
            _client(url, _options(url)).close()
    except (ValueError, TypeError, OSError, Warning, PyMongoError):
        return False
    return True


def after(seconds: float) -> datetime:
    return datetime.fromtimestamp(time.time() + seconds, UTC)


class Connection:
    """The library's client for a URL in a process, shared by all who use it, and closed after them.

    The library wants one in each process. None survives a fork.
    """

    def __init__(self, client: MongoClient[dict[str, Any]]) -> None:
        self.client = client
        self.expiring: set[str] = set()  # collections
        clients.add(client)
        weakref.finalize(self, _abandon, client).atexit = False


class Server:
    """A collection. What uses the same URL in a process shares its connections."""

    def __init__(self, url: str, collection: str) -> None:
        self._url = url
        self._collection = collection
        self._connections: list[Connection] = []  # none is closed while it may be in use
        self._opened: dict[int, Documents] = {}  # by process

    def run(self, operation: Callable[[Documents], T]) -> T:
        """What an operation on the collection returns, within 0.4 s. Raises PyMongoError.

        If the connection was cut off, or the server is the primary no more, it is tried once more.
        """
        documents = self._opened.get(os.getpid())
        if documents is None:
            documents = self._open()
        with pymongo.timeout(documents.database.client.options.timeout):
            try:
                return operation(documents)
            except (NetworkTimeout, ServerSelectionTimeoutError):
                raise
            except AutoReconnect:
                return operation(documents)

    def put(self, key: str, seconds: float, **fields: Any) -> None:
        """Store a document for so long, whatever there was."""
        change = {"$set": {**fields, "expires": after(seconds)}}

        def write(documents: Documents) -> None:
            try:
                documents.update_one({"_id": key}, change, upsert=True)
            except DuplicateKeyError:  # somebody else was first
                documents.update_one({"_id": key}, change, upsert=True)

        self.run(write)

    def _open(self) -> Documents:
        process, options = os.getpid(), _options(self._url)
        key = process, self._url, str(options)
        connection = connections.get(key)
        if connection is None:  # two threads may make one each
            connection = connections.setdefault(key, Connection(_client(self._url, options)))
        documents = connection.client.get_default_database(DATABASE).get_collection(
            self._collection, read_preference=ReadPreference.PRIMARY, write_concern=KEPT
        )
        self._connections.append(connection)
        self._opened[process] = documents
        if self._collection not in connection.expiring:
            connection.expiring.add(self._collection)
            threading.Thread(target=_expire, args=[documents], daemon=True).start()
        return documents


def _options(url: str) -> dict[str, Any]:
    """Our options for the library's client, unless the URL has its own."""
    parts, _ = urls.split(url)
    given = {option.partition("=")[0].lower() for option in parts.query.split("&")}
    ours: dict[str, Any] = {**ONCE, **TIMEOUTS}
    return {name: value for name, value in ours.items() if name.lower() not in given}


def _client(url: str, options: dict[str, Any]) -> MongoClient[dict[str, Any]]:
    return MongoClient(url, connect=False, **options)


def _expire(documents: Documents) -> None:
    """Have the server delete documents when they expire: up to a minute later."""
    while True:
        try:
            with pymongo.timeout(INDEXING):
                documents.create_index("expires", expireAfterSeconds=0)
            return
        except InvalidOperation:  # the client was closed
            return
        except PyMongoError:
            time.sleep(INDEX_AGAIN)


@atexit.register
def _close_all() -> None:
    for client in list(clients):
        _close(client)


def _close(client: MongoClient[Any]) -> None:
    with pymongo.timeout(CLOSING):
        client.close()


def _abandon(client: MongoClient[Any]) -> None:
    """Close a client that nobody has any more.

    Not in this thread, where a collection of garbage may have begun while it holds a lock of the
    client's.
    """
    threading.Thread(target=_close, args=[client]).start()
