"""Generate a service and serve it until Ctrl-C; nothing is left of it then.

    python -m scripts.demo cache_backend=redis session_store=redis database=postgresql

PORT is where, 8000 unless given; where that is taken, a free port.
"""

import os
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tests.processes import free_port
from tests.project import bake
from tests.questions import refuse_unknown
from tests.servers import Servers


def main(arguments: list[str]) -> None:
    answers = dict(argument.partition("=")[::2] for argument in arguments)
    try:
        refuse_unknown(answers)
    except ValueError as refusal:
        sys.exit(str(refusal))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), tempfile.TemporaryDirectory() as folder, Servers() as servers:
        print("Generating a service and installing it …")
        os.environ["PWD"] = os.getcwd()  # far from the folder, so the hook names no next step
        project = bake(Path(folder), answers)
        with servers.environment(project.answers, "demo") as urls:
            project = replace(project, variables={**project.variables, **urls})
            project.run("make install")
            if project.answers["database"] != "none":
                project.run("uv run flask db upgrade")
                project.run("uv run flask shop seed")
            with project.serving(PORT=port()) as client:
                print(f"It answers on {client.base_url} until Ctrl-C ends it.")
                signal.pause()


def port() -> str:
    """The port to serve on."""
    wanted = os.environ.get("PORT", "8000")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(wanted)))
        except OSError:
            free = str(free_port())
            print(f"Port {wanted} is taken: serving on {free} instead.")
            return free
    return wanted


if __name__ == "__main__":
    main(sys.argv[1:])
