"""A Redis (or Valkey) client by URL: one server, a Sentinel's master, or a cluster.

    redis://user:password@host:6379/0      rediss://host:6379/0?ssl_ca_certs=/etc/ssl/ca.pem
    unix:///run/redis.sock?db=0            redis+cluster://user:password@h1:6379,h2:6379
    redis+sentinel://user:password@h1:26379,h2:26379/0?service_name=mymaster

User and password are for the data servers. If the Sentinels have their own, give them as the
options `sentinel_username` and `sentinel_password`. With an `ssl_…` option, the connections to
Sentinels and clusters use TLS.
"""

import math
import re
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from redis import ConnectionPool, Redis, RedisCluster, RedisError, Sentinel
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import Connection, parse_url
from redis.exceptions import ConnectionError, MasterDownError, ReadOnlyError
from redis.retry import Retry

from .. import urls

SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster")

# The library's own 5 s and 10 retries are longer than a request may take.
TIMEOUTS = {"socket_connect_timeout": 0.2, "socket_timeout": 0.3}  # seconds
DISCOVERY = {"socket_connect_timeout": 0.1, "socket_timeout": 0.1, "protocol": 2}  # of a Sentinel
# Not after a timeout. A server that became a replica refuses to write: a new connection to the
# same address leads to its successor.
ONCE_MORE = Retry(NoBackoff(), 1, (ConnectionError, ReadOnlyError, MasterDownError))
NEVER = Retry(NoBackoff(), 0)


UNCHECKED = 1.0  # seconds after its use in which a connection is used again without a check

Greeting = Callable[[Any], object]


class Fresh:
    """Part of a connection: the pool looks whether it was cut off, but not just after its use.

    If it was cut off then, the command fails, and is sent once more over a new connection.
    """

    _used = -math.inf

    def can_read(self, timeout: float = 0) -> bool:
        checked = timeout or time.monotonic() > self._used + UNCHECKED
        return bool(checked and super().can_read(timeout))  # type: ignore[misc]

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().read_response(*args, **kwargs)  # type: ignore[misc]
        self._used = time.monotonic()
        return response


def connect(url: str, greet: Greeting | None = None) -> Any:
    """A client whose values are bytes. It connects on first use, but checks the URL at once.

    `greet` is called with each new connection to a data server, before its first command.

    An operation waits 0.4 s at most (0.3 s for each node when a whole cluster hangs), then raises
    RedisError or RedisClusterException. Raises ValueError, with the end of a sentence.
    """
    try:
        topology, hosts, options = _read(url)
        service = options.pop("service_name", "mymaster")
        if greet:
            options["redis_connect_func"] = _greeted(topology, greet)
        login = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
        kind = options.get("connection_class", Connection)
        fresh = {"connection_class": type(kind.__name__, (Fresh, kind), {})}
        pool = ConnectionPool(retry=ONCE_MORE, **{**options, **fresh})
        pool.make_connection()  # raises TypeError for an option that it does not know
    except (ValueError, TypeError, RedisError):  # their texts may quote a password
        raise ValueError(
            "is no Redis URL: engine/clients/redis.py lists its forms, and special characters in a "
            "password are percent-encoded"
        ) from None
    if not topology:
        return Redis(connection_pool=pool)
    options["ssl"] = options.pop("connection_class", None) is not None
    if topology == "cluster":
        nodes = [ClusterNode(host, port or 6379) for host, port in hosts]  # type: ignore[no-untyped-call]
        return Cluster(startup_nodes=nodes, retry=NEVER, **options)
    tls = {name: options[name] for name in options if name.startswith(("ssl", "driver_info"))}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        [(host, port or 26379) for host, port in hosts],
        sentinel_kwargs={**DISCOVERY, **login, **tls, "retry": NEVER},
        retry=NEVER,
        **options,
    )
    return sentinel.master_for(service)  # type: ignore[no-untyped-call]


def ask(client: Any, *command: str) -> Any:
    """The answer to a command, as bytes, in less time than `client.execute_command` takes.

    It takes a connection of the client's pool, with its check and its retries, but leaves out the
    library's statistics.
    """
    if isinstance(client, Cluster):
        return client.execute_command(*command)
    connection = client.connection_pool.get_connection()

    def send() -> Any:
        connection.send_command(*command, check_health=False)
        return connection.read_response()

    try:
        return connection.retry.call_with_retry(send, lambda _: connection.disconnect())
    finally:
        client.connection_pool.release(connection)


def _greeted(topology: str, greet: Greeting) -> Greeting:
    if topology == "cluster":  # whose client does the library's own part itself
        return greet

    def begin(connection: Any) -> None:
        connection.on_connect()
        greet(connection)

    return begin


class Cluster:
    """A RedisCluster that is made on first use, because it connects as soon as it is made."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    @cached_property
    def _client(self) -> RedisCluster:
        return RedisCluster(**self._options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _read(url: str) -> tuple[str, list[tuple[str, int | None]], dict[str, Any]]:
    """The topology ("" for one server), the hosts, and the options of a connection."""
    parts, nodes = urls.split(url)
    scheme, _, topology = parts.scheme.partition("+")
    if topology and "ssl_" in parts.query:
        scheme = "rediss"  # so that the options are those of an encrypted connection
    if scheme != "unix" and not re.fullmatch(r"/?\d*", parts.path):
        raise ValueError("the path is not the number of a database")
    first = f"{scheme}://{parts.netloc}{parts.path}?{parts.query}"
    # With RESP 2 and without driver_info a new connection needs no round trips, and the pool sees
    # when an idle one was cut off. TLS needs driver_info: without it, the pool takes the server's
    # session tickets for an answer that nobody asked for.
    if scheme != "unix" and not all(node.hostname for node in nodes):
        raise ValueError("there is no host")  # the library would take localhost
    options = {**TIMEOUTS, "protocol": 2, **parse_url(first), "decode_responses": False}  # type: ignore[no-untyped-call]
    if scheme != "rediss":
        options["driver_info"] = None
    if topology:
        options = {name: value for name, value in options.items() if name not in ("host", "port")}
    if topology == "cluster" and options.pop("db", 0):
        raise ValueError("a cluster has one database")
    return topology, [(node.hostname or "", node.port) for node in nodes], options
