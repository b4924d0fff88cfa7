"""Security: requests that the service refuses, and headers that protect visitors."""

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response
from werkzeug.exceptions import BadHost, Forbidden, SecurityError
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wsgi import get_host

from .engine.middleware import Middleware

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PROBES = {"/livez", "/readyz", "/metrics"}  # asked by address: they answer for any host
LARGEST_BODY = 1024 * 1024  # bytes

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
HSTS = "max-age=31536000"  # seconds: a year. Browsers obey it over TLS only


def init_security(app: Flask) -> None:
    settings = app.extensions["settings"]
    headers = HEADERS | ({"Strict-Transport-Security": HSTS} if settings.production else {})
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_CONTENT_LENGTH"] or LARGEST_BODY
    trusted = [host.lower().rstrip(".") for host in settings.trusted_hosts]
    for error in (BadHost, SecurityError):
        app.register_error_handler(error, refuse_host)

    @lru_cache
    def is_trusted(host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        return host_is_trusted(name.rstrip("."), trusted)  # as DNS compares names

    def refuse_unknown_host(environ: "WSGIEnvironment") -> None:
        if trusted and environ["PATH_INFO"] not in PROBES and not is_trusted(get_host(environ)):
            raise SecurityError("This host is not trusted.")

    middleware = Middleware.of(app)
    middleware.add_headers(headers)  # a view may set its own
    middleware.checks += [refuse_unknown_host, refuse_cross_origin]


def refuse_cross_origin(environ: "WSGIEnvironment") -> None:
    """Answer 403 if a page of another site made the visitor's browser write here (CSRF).

    It needs no tokens, so a page with a form is the same for everybody. The rule is the one of
    Go's net/http.CrossOriginProtection: browsers since 2023 send Sec-Fetch-Site, older browsers
    send Origin, and a client that sends neither is not a browser.
    """
    if environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS"):
        return
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    if site:
        allowed = site in ("same-origin", "none")  # none: no site sent it
    else:
        host = get_host(environ)
        allowed = origin in (None, f"http://{host}", f"https://{host}")
    if not allowed:
        raise Forbidden("This request came from another site, so nothing was done.")


def refuse_host(_: BadHost | SecurityError) -> Response:
    """Plain text: Flask builds no URLs for a host that is not trusted, so there is no page."""
    return Response("This service does not answer for this host.\n", 400, mimetype="text/plain")
