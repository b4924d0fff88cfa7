"""Goes into a generated project and runs there: views that tests/test_server.py asks."""

import ctypes
import json
import time
from collections.abc import Iterator

from flask import Flask, Response, make_response, request, send_file
from my_service import create_app as create_service  # type: ignore[import-not-found]


def create_app() -> Flask:
    app: Flask = create_service()
    app.add_url_rule("/slow/<float:seconds>", view_func=slow)
    app.add_url_rule("/hang", view_func=hang)
    app.add_url_rule("/environ/", view_func=environ)
    app.add_url_rule("/environ/<path:_>", view_func=environ)
    app.add_url_rule("/echo", view_func=echo, methods=["POST"])
    app.add_url_rule("/stream", view_func=stream)
    app.add_url_rule("/file", view_func=file)
    app.add_url_rule("/cookies", view_func=cookies)
    return app


def slow(seconds: float) -> str:
    time.sleep(seconds)
    return "whole"


def hang() -> str:
    """Never give the interpreter's lock to another thread."""
    ctypes.PyDLL(None).sleep(1000)
    return "never"


def environ(_: str = "") -> str:
    return json.dumps({name: str(value) for name, value in request.environ.items()})


def echo() -> bytes:
    return request.get_data()


def stream() -> Response:
    def parts() -> Iterator[str]:
        yield from ("one ", "two ", "three")

    return Response(parts())


def file() -> Response:
    return send_file(__file__)


def cookies() -> Response:
    response = make_response("")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response
