"""Checks the URL of a setting, and takes it apart."""

import re
from urllib.parse import SplitResult, urlsplit


def check(url: str, schemes: tuple[str, ...]) -> None:
    """Raise ValueError if the scheme is not listed, or if the URL cannot be read.

    The text follows the name of a setting ("CACHE_URL has the scheme …"). It never holds the URL.
    """
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in schemes:
        found = f"the scheme {scheme}://" if colon else "no scheme"
        allowed = ", ".join(f"{name}://" for name in schemes)
        raise ValueError(f"has {found}, which this service does not speak: use one of {allowed}")
    try:
        parts, hosts = split(url)
        if parts.netloc.count("@") > 1:
            raise ValueError
        for host in hosts:
            _ = host.port  # raises ValueError if it is not a number
    except ValueError:  # its text may quote a password
        raise ValueError(
            "cannot be read: put commas between hosts, write a port as host:port, and "
            "percent-encode all characters of a password except letters and digits"
        ) from None


def split(url: str) -> tuple[SplitResult, list[SplitResult]]:
    """The parts of a URL, with the first of its hosts only, and the parts of each of its hosts.

    Raises ValueError. The library refuses an IPv6 address among several hosts in some versions.
    """
    scheme, slashes, rest = url.partition("://")
    netloc = re.split("[/?#]", rest, maxsplit=1)[0]
    login, at, servers = netloc.rpartition("@")
    first, *others = servers.split(",")
    parts = urlsplit(f"{scheme}{slashes}{login}{at}{first}{rest.removeprefix(netloc)}")
    return parts, [urlsplit(f"//{host}") for host in (first, *others)]
