"""Runs the service as in production: `python -m {{ cookiecutter.package_name }}`.

With the path of a socket as its argument it listens there, and not on PORT.
"""

import os
import sys
from functools import partial

from . import create_app
from .engine.proxies import App, behind_proxies, mounted
from .engine.server import Limits, listen, serve
from .logging import configure
from .settings import load_settings

LIMITS = Limits(
    threads=8,
    keepalive=65,  # a little longer than proxies keep idle connections
    grace=25,
    hung=30,  # longer than any wait for a backend
    lifetime=6 * 3600,  # against leaks; a single worker, which may hold the cache, stays
)


def main() -> None:
    settings = load_settings()
    configure(settings)
    host = "0.0.0.0" if settings.production else "127.0.0.1"  # noqa: S104
    serve(
        make_app,
        partial(listen, host, settings.port, *sys.argv[1:2]),
        settings.web_concurrency,
        LIMITS,
        metrics=(host, settings.metrics_port) if settings.production else None,
    )


def make_app() -> App:
    """The app of a worker, below SCRIPT_NAME, behind the proxies that FORWARDED_ALLOW_IPS lists."""
    app = mounted(create_app(), os.environ.get("SCRIPT_NAME", ""))
    return behind_proxies(app, os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1"))


if __name__ == "__main__":
    main()
