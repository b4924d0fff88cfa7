"""Logs on stderr: readable lines in development, one JSON object per line in production.

Each request is one line, with its id, method, path, status and milliseconds. The line holds no
address, no query, no header and no cookie, so nothing in it is personal or secret.
What the engine notes about a request is added: its last look-up in a cache, for example.
"""

import json
import logging
from datetime import UTC, datetime
from urllib.parse import quote

from flask import Flask

from .engine.log import Handler
from .engine.middleware import Middleware, Visit
from .settings import Settings

PROBES = ("livez", "readyz", "metrics")
LINE = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")  # for people

logger = logging.getLogger(__name__)
handler = Handler()


def init_logging(app: Flask) -> None:
    configure(app.extensions["settings"])
    Middleware.of(app).watchers.append(_log)


def configure(settings: Settings) -> None:
    """Send every logger's lines to stderr. In tests, pytest collects them instead."""
    if settings.app_env != "testing":
        handler.setFormatter(JSONLine() if settings.production else LINE)
        logging.getLogger().setLevel(logging.INFO)
        logging.getLogger().addHandler(handler)
        logging.getLogger("werkzeug").addFilter(_is_no_request)


class JSONLine(logging.Formatter):
    """Lines for machines: an object with time, level, logger, message and request."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.message,
        }
        if request_id := getattr(record, "request_id", None):
            line["request_id"] = request_id
        line.update(getattr(record, "request", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _log(visit: Visit) -> None:
    level = logging.DEBUG if visit.endpoint in PROBES else logging.INFO
    if not logger.isEnabledFor(level):
        return
    about = {
        "method": visit.environ["REQUEST_METHOD"],
        # Quoted, because a path may contain line breaks.
        "path": quote(visit.environ.get("PATH_INFO") or "/", encoding="latin-1"),
        "status": visit.status,
        "milliseconds": round(1000 * visit.seconds, 1),
        **visit.noted,
    }
    text = "%(method)s %(path)s %(status)s %(milliseconds)s ms"
    text += "".join(f", {name} %({name})s" for name in visit.noted)
    # What `logger.log` does, but for looking up the line that called it.
    place = logger.name, level, __file__, 0
    logger.handle(logger.makeRecord(*place, text, (about,), None, extra={"request": about}))


def _is_no_request(record: logging.LogRecord) -> bool:
    """Drop the development server's own request lines: one line per request is enough."""
    return " - - [" not in str(record.msg)
