"""Logs on stderr: readable lines in development, one JSON object per line in production.

Each request is one line, with its id, method, path, status and milliseconds. The line holds no
address, no query, no header and no cookie, so nothing in it is personal or secret.
What the engine notes about a request is added: its last look-up in a cache, for example.
"""

import json
import logging
import re
import time
import uuid
from datetime import UTC, datetime
from urllib.parse import quote

from flask import Flask, Response, g, has_request_context, request

from .settings import Settings

logger = logging.getLogger(__name__)
handler = logging.StreamHandler()


def init_logging(app: Flask) -> None:
    configure(app.extensions["settings"])
    app.before_request(_begin)
    app.after_request(_end)


def configure(settings: Settings) -> None:
    """Send every logger's lines to stderr. In tests, pytest collects them instead."""
    if settings.app_env != "testing":
        handler.setFormatter(JSONLine() if settings.production else Line())
        logging.getLogger().setLevel(logging.INFO)
        logging.getLogger().addHandler(handler)
        logging.getLogger("werkzeug").addFilter(_is_no_request)


class Line(logging.Formatter):
    """Lines for people: time, level and message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")


class JSONLine(logging.Formatter):
    """Lines for machines: an object with time, level, logger, message and request."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context() and "request_id" in g:
            line["request_id"] = g.request_id
        line.update(getattr(record, "request", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if re.fullmatch(r"[A-Za-z0-9._:-]{8,128}", given) else uuid.uuid4().hex


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    noted = g.get("noted", {})
    about = {
        "method": request.method,
        "path": quote(request.path),  # because a path may contain line breaks
        "status": response.status_code,
        "milliseconds": round(1000 * (time.perf_counter() - g.started), 1),
        **noted,
    }
    level = logging.DEBUG if request.endpoint in ("livez", "readyz", "metrics") else logging.INFO
    text = "%(method)s %(path)s %(status)s %(milliseconds)s ms"
    text += "".join(f", {name} %({name})s" for name in noted)
    logger.log(level, text, about, extra={"request": about})
    return response


def _is_no_request(record: logging.LogRecord) -> bool:
    """Drop the development server's own request lines: one line per request is enough."""
    return " - - [" not in str(record.msg)
