"""Checks the URL of a setting."""

from urllib.parse import urlsplit


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
        login, _, servers = urlsplit(url).netloc.rpartition("@")
        if "@" in login:
            raise ValueError
        for server in servers.split(","):
            _ = urlsplit(f"//{server}").port  # raises ValueError if it is not a number
    except ValueError:  # its text may quote a password
        raise ValueError(
            "cannot be read: put commas between hosts, write a port as host:port, and "
            "percent-encode all characters of a password except letters and digits"
        ) from None
