"""A Memcached client by URL: `memcached://h1:11211,h2:11211`, a key's server chosen by its hash."""

import weakref
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheUnexpectedCloseError

SCHEMES = ("memcached",)
TIMEOUTS = {"connect_timeout": 0.1, "timeout": 0.3}  # seconds


def connect(url: str) -> "SteadyClient":
    """A client that takes and gives bytes. It connects on first use.

    An operation waits 0.4 s at most, then raises OSError or MemcacheError. A URL that cannot be
    read is a ValueError.
    """
    try:
        parts = urlsplit(url)
        nodes = [urlsplit(f"//{server}") for server in parts.netloc.split(",")]
        servers = [(node.hostname, node.port or 11211) for node in nodes]
        if "@" in parts.netloc or parts.path.strip("/") or not all(dict(servers)):
            raise ValueError
    except ValueError:  # its text may quote the URL
        raise ValueError(
            "A Memcached URL cannot be read: its form is memcached://h1:11211,h2:11211."
        ) from None
    client = SteadyClient(
        servers,
        **TIMEOUTS,
        no_delay=True,
        use_pooling=True,
        default_noreply=False,  # with it, `add` would say that it added whether it did or not
    )
    for pool in client.clients.values():
        weakref.finalize(client, pool.close)
    return client


class SteadyClient(HashClient):  # type: ignore[misc]
    """A key stays with its server, and a server that does not answer is an error, not a detour.

    The library would answer "not found" while it gives a failed server a rest, and then ask
    another one in its place for a minute: for sessions and leases both are wrong answers.
    """

    def _safely_run_func(
        self, client: Any, func: Callable[..., Any], _: object, *args: Any, **kwargs: Any
    ) -> Any:
        for _ in client.client_pool.free:  # a restarted server has cut off each idle connection
            try:
                return func(*args, **kwargs)
            except (ConnectionError, MemcacheUnexpectedCloseError):
                continue  # which has left the pool by this
        return func(*args, **kwargs)

    def stats(self) -> dict[str, dict[bytes, Any]]:
        """The counters of each server, by its address."""
        return {address: client.stats() for address, client in self.clients.items()}
