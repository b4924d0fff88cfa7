"""Security: requests that the service refuses, and headers that protect visitors."""

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from werkzeug.exceptions import BadHost, SecurityError
from werkzeug.sansio.utils import host_is_trusted

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
    app.before_request(refuse_cross_origin)

    @app.before_request
    def refuse_unknown_host() -> None:
        host = (urlsplit(f"//{request.host}").hostname or "").rstrip(".")  # as DNS compares names
        if trusted and request.path not in PROBES and not host_is_trusted(host, trusted):
            raise SecurityError(host)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)  # a view may set its own
        return response


def refuse_cross_origin() -> None:
    """Answer 403 if a page of another site made the visitor's browser write here (CSRF).

    It needs no tokens, so a page with a form is the same for everybody. The rule is the one of
    Go's net/http.CrossOriginProtection: browsers since 2023 send Sec-Fetch-Site, older browsers
    send Origin, and a client that sends neither is not a browser.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site:
        allowed = site in ("same-origin", "none")  # none: no site sent it
    else:
        allowed = origin in (None, f"http://{request.host}", f"https://{request.host}")
    if not allowed:
        abort(403, "This request came from another site, so nothing was done.")


def refuse_host(_: BadHost | SecurityError) -> Response:
    """Plain text: Flask builds no URLs for a host that is not trusted, so there is no page."""
    return Response("This service does not answer for this host.\n", 400, mimetype="text/plain")
