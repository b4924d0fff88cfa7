"""How gunicorn serves the service: `gunicorn`, in this folder, is the whole command.

Its own options still count, on the command line or in GUNICORN_CMD_ARGS (`--threads 16`), and so
does FORWARDED_ALLOW_IPS: the proxies whose X-Forwarded-Proto is believed.
"""

import os
import shutil
import tempfile
from importlib import import_module
from typing import Any

from gunicorn import glogging  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

settings = import_module("{{ cookiecutter.package_name }}.settings").load_settings()
import_module("{{ cookiecutter.package_name }}.logging").configure(settings)

wsgi_app = "{{ cookiecutter.package_name }}:create_app()"
host = "0.0.0.0" if settings.production else "127.0.0.1"  # noqa: S104
bind = [f"{host}:{settings.port}"]
if settings.production:
    bind.append(f"{host}:{settings.metrics_port}")
workers = settings.web_concurrency
threads = 8

timeout = 30  # seconds until a worker that hangs is replaced: far above any wait for a backend
graceful_timeout = 25  # seconds that requests in flight have at the end
keepalive = 65  # seconds, a little more than proxies keep idle connections
# A new process now and then, against leaks; not where the only one would take the cache with it.
max_requests = 10_000 if workers > 1 else 0
max_requests_jitter = 1_000
control_socket_disable = True  # it would write into the home folder

# Each worker counts in files of this folder, so that any of them can tell the sum.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:  # else this is a reload
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-")


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's worker with threads, at whose end no request is lost.

    Gunicorn stops accepting but listens on until the last answer is out, and then resets who has
    connected meanwhile. Here those who have connected are answered too, and the rest refused.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        for listener in [] if self.alive else self.sockets:
            connections = -1
            while connections < self.nr_conns:
                connections = self.nr_conns
                self.accept(listener)
            listener.close()


worker_class = Worker


class Logger(glogging.Logger):  # type: ignore[misc]
    """Gunicorn's own lines look like the service's, which logs the requests."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = Logger


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest number that no other has."""
    taken = {other.number for other in server.WORKERS.values()}
    worker.number = next(number for number in range(len(taken) + 1) if number not in taken)


def post_fork(server: Any, worker: Any) -> None:
    """Count on in the files of the worker's predecessor: by process id they would pile up."""
    values: Any = import_module("prometheus_client.values")
    values.ValueClass = values.MultiProcessValue(lambda: worker.number)


def on_exit(server: Any) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
