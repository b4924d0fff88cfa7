"""What the benchmarks ran on."""

import json
import os
import platform
import re
import subprocess
from pathlib import Path

from tests.servers import executable

SERVERS = ("redis-server", "memcached", "postgres", "mariadbd")


def machine(packages: dict[str, str]) -> dict[str, str]:
    """The processor, the versions of these packages, and those of the servers."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "processor": found[1] if found else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        **packages,
        **{name: version(name) for name in SERVERS},
    }


def installed(python: str, *names: str) -> dict[str, str]:
    """The versions of an interpreter and of packages in its environment."""
    listed = output("uv", "pip", "list", "--format=json", f"--python={python}")
    versions = {package["name"]: package["version"] for package in json.loads(listed)}
    return {"Python": output(python, "-V").split()[1], **{name: versions[name] for name in names}}


def version(program: str) -> str:
    found = re.search(r"\d+(\.\d+)+", output(executable(program), "--version"))
    return found[0] if found else "unknown"


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
