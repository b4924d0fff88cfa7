"""Error pages without internals. Under /api/ an error is a JSON problem (RFC 9457)."""

from contextlib import suppress

from flask import Flask, Response, current_app, json, render_template, request
from werkzeug.exceptions import HTTPException, ServiceUnavailable


def init_errors(app: Flask) -> None:
    app.register_error_handler(HTTPException, show)


def show(error: HTTPException) -> Response:
    original = getattr(error, "original_exception", None)
    if isinstance(original, HTTPException):  # Flask made a 500 of it
        error = original
    response = current_app.make_response(error.get_response())
    if error.code is None or error.code < 400:  # the router redirects
        return response
    response.cache_control.no_store = True  # a missing page may exist a moment later
    if request.path.startswith("/api/"):
        problem = {
            "type": "about:blank",
            "title": error.name,
            "status": error.code,
            "detail": error.description,
            "errors": getattr(error, "errors", None),
        }
        response.data = json.dumps({key: value for key, value in problem.items() if value})
        response.content_type = "application/problem+json"
    else:
        with suppress(ServiceUnavailable):  # for the template too: keep Werkzeug's page
            response.data = render_template("error.html", error=error)
            response.content_type = "text/html; charset=utf-8"
    return response
