"""Error pages: readable, without details; problem details (RFC 9457) under /api/."""

from contextlib import suppress

from flask import Flask, Response, current_app, json, render_template, request
from werkzeug.exceptions import HTTPException, ServiceUnavailable


def init_errors(app: Flask) -> None:
    app.register_error_handler(HTTPException, show)


def show(error: HTTPException) -> Response:
    original = getattr(error, "original_exception", None)
    if isinstance(original, HTTPException):  # of an after_request function: a 500 to Flask
        error = original
    response = current_app.make_response(error.get_response())
    if error.code is None or error.code < 400:  # a redirect of the router
        return response
    response.cache_control.no_store = True  # what is missing now may be there in a moment
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
        with suppress(ServiceUnavailable):  # to the template, too: then Werkzeug's page is shown
            response.data = render_template("error.html", error=error)
            response.content_type = "text/html; charset=utf-8"
    return response
