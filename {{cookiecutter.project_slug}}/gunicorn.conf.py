"""Gunicorn's configuration: run `gunicorn` in this folder, without arguments.

Options on the command line or in GUNICORN_CMD_ARGS (`--threads 16`) win over this file. Gunicorn
trusts X-Forwarded-Proto from the proxies that FORWARDED_ALLOW_IPS lists.
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

# No proxy may say in a header where the service is mounted: the variable SCRIPT_NAME does.
forwarder_headers = ""

timeout = 30  # seconds until a worker that hangs is replaced: longer than any wait for a backend
graceful_timeout = 25  # seconds that running requests have when the service stops
keepalive = 65  # seconds, a little longer than proxies keep idle connections
# Several workers are replaced now and then, against leaks. A single worker may hold the cache.
max_requests = 10_000 if workers > 1 else 0
max_requests_jitter = 1_000
control_socket_disable = True  # it would write to the home folder

# Each worker counts in files of this folder, so that every worker can report the sums.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:  # otherwise this is a reload
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-")


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's worker with threads, which loses no request when it stops.

    Gunicorn's own worker stops accepting, but its sockets listen until the last answer is sent. It
    then resets the connections that came meanwhile. This worker accepts and answers the waiting
    connections, and closes the sockets, so that later ones are refused.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        accepted = self._accepting
        super().set_accept_enabled(enabled)
        ends = accepted and not enabled and not self.alive
        for listener in self.sockets if ends else []:
            connections = -1
            while connections < self.nr_conns:
                connections = self.nr_conns
                self.accept(listener)
            listener.close()


worker_class = Worker


class Logger(glogging.Logger):  # type: ignore[misc]
    """Gunicorn's lines get the format of the service's log. The service logs the requests."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = Logger


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest number that no other worker has."""
    taken = {other.number for other in server.WORKERS.values()}
    worker.number = next(number for number in range(len(taken) + 1) if number not in taken)


def post_fork(server: Any, worker: Any) -> None:
    """Go on counting in the last worker's files. Files by process id would become more and more."""
    values: Any = import_module("prometheus_client.values")
    values.ValueClass = values.MultiProcessValue(lambda: worker.number)


def on_exit(server: Any) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
