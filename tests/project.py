"""A project generated from the template, used the way its team uses it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM

import httpx
from cookiecutter.main import cookiecutter as generate

from tests.processes import free_port, guarded, running
from tests.questions import CHOICES, REPOSITORY, refuse_unknown
from tests.servers import VARIABLES

# What the suite's own environment would do to a project: its interpreter's settings and modules,
# the options of the make that runs it, servers that are not the suite's.
OURS = {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", *VARIABLES}


def environment() -> dict[str, str]:
    """The machine's environment, with uv and without what is the suite's own."""
    kept = {variable: value for variable, value in os.environ.items() if variable not in OURS}
    places = [place for place in kept["PATH"].split(os.pathsep) if place != f"{sys.prefix}/bin"]
    return kept | {"PATH": os.pathsep.join([*places, f"{REPOSITORY}/.venv-uv/bin"])}


# A change for BakedProject.serving: a busy machine is no outage, whatever else the test is about.
PATIENT = "from tests.engine.apart import patience; patient = patience(); patient.__enter__()"


@dataclass(frozen=True)
class BakedProject:
    """Where a generated project is, what was answered, and the environment that it runs in."""

    path: Path
    answers: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=environment)

    @property
    def package(self) -> Path:
        (package,) = (self.path / "src").iterdir()
        return package

    def files(self) -> Iterator[Path]:
        """What was generated, without what running it leaves there."""
        for path in sorted(self.path.rglob("*")):
            if path.is_file() and path.relative_to(self.path).parts[0] not in (".venv", "var"):
                yield path

    def run(self, command: str | Sequence[str], **variables: str) -> str:
        """The output of a command in the project. Raises AssertionError with it if that fails.

        When this process is interrupted, the command ends with all that it has started.
        """
        __tracebackhide__ = True
        with subprocess.Popen(
            guarded(command.split() if isinstance(command, str) else command),
            cwd=self.path,
            env={**self.variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        ) as process:
            try:
                said, _ = process.communicate()
            except BaseException:
                os.killpg(process.pid, SIGTERM)
                raise
        assert process.returncode == 0, f"{command} ended with {process.returncode}:\n{said}"
        return said

    def service(self, *changes: str) -> list[str]:
        """The command that serves, after the changes of `serving`."""
        name = self.package.name
        begin = [f"from {name} import __main__ as service", "from dataclasses import replace"]
        code = "\n".join([*begin, *changes, "service.main()"])
        return ["python", "-c", code] if changes else ["python", "-m", name]

    def log(self, client: httpx.Client) -> Path:
        """What the service of a client has printed."""
        return self.path / "var" / f"service-{client.base_url.port}.log"

    @contextmanager
    def serving(self, *changes: str, **variables: str) -> Iterator[httpx.Client]:
        """A client of the service, which runs while the block lasts and ends well.

        `changes` are statements about the module `service`, which is the package's __main__.
        The client keeps cookies and says where its forms come from, as a browser does.
        """
        ports = {"PORT": str(free_port()), "METRICS_PORT": str(free_port())}
        variables = {**self.variables, **ports, **variables}
        origin = f"http://127.0.0.1:{variables['PORT']}"
        client = httpx.Client(base_url=origin, headers={"Origin": origin}, timeout=30, verify=False)
        log = self.log(client)
        log.parent.mkdir(exist_ok=True)

        def ready() -> bool:
            try:
                return client.get("/livez").is_success
            except httpx.TransportError:
                return False

        with (
            client,
            running(
                ["uv", "run", *self.service(*changes)],
                ready=ready,
                log=log,
                cwd=self.path,
                env=variables,
            ) as process,
        ):
            yield client
        assert process.returncode == 0, log.read_text()


def cookiecutter(
    folder: Path, *arguments: str | bytes, template: Path | str = REPOSITORY, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter's command line without questions: what it writes goes to the folder."""
    command = [f"{sys.prefix}/bin/cookiecutter", "--no-input", f"--output-dir={folder}"]
    with tempfile.TemporaryDirectory() as home:  # takes the replay file and the rendered hooks
        return subprocess.run(
            [*command, str(template), *arguments],
            env={**environment(), "HOME": home, "TMPDIR": home, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )


def bake(folder: Path, answers: Mapping[str, str]) -> BakedProject:
    """Generate a project in an empty folder, in this process: it takes half the time.

    Raises ValueError, a sentence, for answers to questions that nobody asks.
    """
    refuse_unknown(answers)
    with tempfile.TemporaryDirectory() as home:  # takes the replay file
        config = Path(home) / "config.yaml"
        config.write_text(f"replay_dir: {home}\ncookiecutters_dir: {home}\n")
        path = generate(
            str(REPOSITORY),
            no_input=True,
            extra_context=dict(answers),
            output_dir=str(folder),
            config_file=str(config),
        )
    defaults = {question: choices[0] for question, choices in CHOICES.items()}
    return BakedProject(Path(path), {**defaults, **answers})
