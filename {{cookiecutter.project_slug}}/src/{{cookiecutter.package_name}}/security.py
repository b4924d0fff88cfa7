"""What the service refuses, and the headers that have browsers refuse more."""

from flask import Flask, Response, abort, request
from werkzeug.exceptions import BadHost, SecurityError

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
HSTS = "max-age=31536000"  # seconds: a year. Browsers heed it over TLS only


def init_security(app: Flask) -> None:
    settings = app.extensions["settings"]
    headers = HEADERS | ({"Strict-Transport-Security": HSTS} if settings.production else {})
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_CONTENT_LENGTH"] or LARGEST_BODY
    if settings.trusted_hosts:  # and who is on this machine: the container's health check
        app.config["TRUSTED_HOSTS"] = [*settings.trusted_hosts, "localhost", "127.0.0.1"]
    for error in (BadHost, SecurityError):
        app.register_error_handler(error, refuse_host)
    app.before_request(refuse_cross_origin)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)  # a view may have its own
        return response


def refuse_cross_origin() -> None:
    """Stop what another site has a browser do here in the name of its user (CSRF), with 403.

    Without tokens, so a page with a form stays the same for everyone. The rule is that of Go's
    net/http.CrossOriginProtection: every browser since 2023 sends Sec-Fetch-Site, the ones before
    it Origin; who sends neither is no browser.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site:
        allowed = site in ("same-origin", "none")  # none: by the user's own hand
    else:
        allowed = origin in (None, f"http://{request.host}", f"https://{request.host}")
    if not allowed:
        abort(403, "This came from a page of another site: nothing was done.")


def refuse_host(_: BadHost | SecurityError) -> Response:
    """Plain text: there are no URLs, so no page, for a host that is not ours."""
    return Response("This is no host of this service.\n", 400, mimetype="text/plain")
