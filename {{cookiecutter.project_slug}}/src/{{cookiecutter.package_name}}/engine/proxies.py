"""Tells the app what only proxies and the deployment know: the client, the scheme, the mount."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


def mounted(app: App, path: str) -> App:
    """The app below a path, with nothing beside it."""
    path = path.strip("/")
    return DispatcherMiddleware(NotFound(), {f"/{path}": app}) if path else app


def behind_proxies(app: App, trusted: str) -> App:
    """Believe X-Forwarded-For and X-Forwarded-Proto of proxies, and of nobody else.

    `trusted` has their addresses and networks, comma-separated; `*` is everybody. A peer without
    an address is on this machine. Raises SystemExit with a sentence for what is no address.
    """
    given = [part.strip() for part in trusted.split(",") if part.strip()]
    try:
        networks = [ip_network(part) for part in given if part != "*"]
    except ValueError as error:
        raise SystemExit(f"FORWARDED_ALLOW_IPS: {error}.") from None

    @lru_cache(1024)
    def trusts(address: str) -> bool:
        if "*" in given or not address:
            return True
        try:
            return any(ip_address(address) in network for network in networks)
        except ValueError:
            return False

    def believing(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if trusts(environ["REMOTE_ADDR"]):
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
            hops = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
            for hop in filter(None, map(str.strip, reversed(hops))):
                environ["REMOTE_ADDR"] = hop
                if not trusts(hop):
                    break
        if "CONTENT_LENGTH" in environ:
            # Granian ends a body that is cut off like a whole one. Werkzeug has to count.
            environ.pop("wsgi.input_terminated", None)
        return app(environ, start_response)

    return believing
