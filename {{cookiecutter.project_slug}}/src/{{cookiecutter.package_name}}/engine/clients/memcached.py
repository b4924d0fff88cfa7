"""A Memcached client by URL: `memcached://h1:11211,h2:11211`. A key's hash chooses its server."""

import weakref
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pymemcache.client import base
from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheUnexpectedCloseError

from .. import urls

SCHEMES = ("memcached",)
base.RECV_SIZE = 64 * 1024  # bytes: a page in one piece, for each read lets other threads run first
TIMEOUTS = {"connect_timeout": 0.1, "timeout": 0.3}  # seconds


def connect(url: str) -> "SteadyClient":
    """A client whose values are bytes. It connects on first use.

    An operation waits 0.4 s at most, then raises OSError or MemcacheError. Raises ValueError for a
    URL that cannot be read.
    """
    try:
        parts, nodes = urls.split(url)
        servers = [(node.hostname, node.port or 11211) for node in nodes]
        if "@" in parts.netloc or parts.path.strip("/") or not all(dict(servers)):
            raise ValueError
    except ValueError:  # its text may quote the URL
        raise ValueError("is no Memcached URL: its form is memcached://h1:11211,h2:11211") from None
    client = SteadyClient(
        servers,
        **TIMEOUTS,
        no_delay=True,
        use_pooling=True,
        default_noreply=False,  # otherwise `add` answers True whether it stored something or not
    )
    for pool in client.clients.values():
        weakref.finalize(client, pool.close)
    return client


class SteadyClient(HashClient):  # type: ignore[misc]
    """A key stays with its server. If that server does not answer, the operation raises an error.

    The library would answer "not found" for a while after a failure, and then ask another server
    in its place for a minute. For sessions and for leases both answers are wrong.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Private, too: its hash is computed in Python, and takes as long as asking the server.
        self._get_client: Any = lru_cache(10_000)(super()._get_client)

    def _safely_run_func(
        self, client: Any, func: Callable[..., Any], _: object, *args: Any, **kwargs: Any
    ) -> Any:
        """Run an operation. A private method of the library, which every command calls."""
        for _ in client.client_pool.free:  # a server that restarted has closed all of these
            try:
                return func(*args, **kwargs)
            except (ConnectionError, MemcacheUnexpectedCloseError):
                continue  # with the next one: the library has taken this one out of the pool
        return func(*args, **kwargs)

    def stats(self, *kind: str) -> dict[str, dict[bytes, Any]]:
        """The counters of each server, or what `kind` names, by its address."""
        return {address: client.stats(*kind) for address, client in self.clients.items()}
