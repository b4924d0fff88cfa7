"""How long generating a service takes, beside what cookiecutter takes for a template of one file.

    uv run python -m benchmarks.generation [ROUNDS]

Both through the command line with the default answers, in turns. Counted are the processor's
seconds, hooks included, and of all rounds the least: what else the machine does only adds to it.
What is written lies in memory where there is such a folder, so that a busy disk adds nothing.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

REPOSITORY = Path(__file__).parent.parent
MEMORY = Path("/dev/shm")


def seconds(rounds: int) -> dict[str, float]:
    """The least, in seconds: this template, one file with its questions, and one file alone.

    The second has hooks that do nothing, so that it differs from the first in what is generated.
    """
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        work = Path(folder)
        questions = (REPOSITORY / "cookiecutter.json").read_text()
        templates = {
            "this template": REPOSITORY,
            "one file, the same questions": one_file(work / "asking", questions, "project_slug"),
            "one file": one_file(work / "bare", '{"name": "one"}', "name"),
        }
        for hook in ("pre_gen_project", "post_gen_project"):
            (work / "asking" / "hooks" / f"{hook}.py").write_text("pass\n")
        taken: dict[str, list[float]] = {name: [] for name in templates}
        for turn in range(rounds):
            for name, template in templates.items():
                taken[name].append(generate(template, work / f"{name} {turn}"))
        return {name: min(times) for name, times in taken.items()}


def one_file(template: Path, questions: str, folder: str) -> Path:
    (template / "hooks").mkdir(parents=True)
    (template / "cookiecutter.json").write_text(questions)
    project = template / f"{{{{cookiecutter.{folder}}}}}"
    project.mkdir()
    (project / "README.md").write_text(f"# {{{{ cookiecutter.{folder} }}}}\n")
    return template


def generate(template: Path, output: Path) -> float:
    """The seconds that one generation takes, interpreter and hooks included."""
    home = output / "home"
    home.mkdir(parents=True)
    command = [f"{sys.prefix}/bin/cookiecutter", "--no-input", f"--output-dir={output}"]
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(
        [*command, str(template)],
        env={**os.environ, "HOME": str(home), "TMPDIR": str(home)},
        stdin=subprocess.DEVNULL,
        check=True,
    )
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    taken = seconds(rounds=int(sys.argv[1]) if sys.argv[1:] else 15)
    ours = taken["this template"]
    for name, time in taken.items():
        print(f"{time:.2f} s  {name}" + (f": {ours / time:.2f} times" if time != ours else ""))
