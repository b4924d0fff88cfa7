"""How much a team has to read: non-blank lines of Python of two generated projects, with limits.

python -m scripts.sizes
"""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.project import BakedProject, bake

FULL = {"cache_backend": "redis", "session_store": "redis", "database": "postgresql"}
BARE = {"cache_backend": "none", "session_store": "cookie", "database": "none"}
# At most so many lines, by what is counted.
LIMITS = {
    "full": {
        "the team's floor": 1000,
        "… without the shop": 650,
        "tests of the team": 950,
        "longest test of the engine": 400,
    },
    "bare": {
        "source in all": 1650,  # with the server, and what each request and static file gets
        "tests of the team": 950,
        "longest test of the engine": 400,
    },
}


def sizes(project: BakedProject) -> dict[str, int]:
    source = [*project.package.rglob("*.py")]
    engine = [path for path in source if path.is_relative_to(project.package / "engine")]
    shop = [path for path in source if path.is_relative_to(project.package / "shop")]
    tests = [*(project.path / "tests").rglob("*.py")]
    engine_tests = [path for path in tests if path.is_relative_to(project.path / "tests/engine")]
    return {
        "the team's floor": lines({*source} - {*engine}),
        "… without the shop": lines({*source} - {*engine, *shop}),
        "the engine": lines(engine),
        "source in all": lines(source),
        "tests of the team": lines({*tests} - {*engine_tests}),
        "tests of the engine": lines(engine_tests),
        "longest test of the engine": max((lines([path]) for path in engine_tests), default=0),
    }


def lines(files: Iterable[Path]) -> int:
    """Non-blank ones."""
    return sum(bool(line.strip()) for file in files for line in file.read_text().splitlines())


def main() -> int:
    passed = True
    for name, answers in (("full", FULL), ("bare", BARE)):
        with tempfile.TemporaryDirectory() as folder:
            project = bake(Path(folder), answers)
            print(" / ".join(answers.values()))
            for counted, size in sizes(project).items():
                limit = LIMITS[name].get(counted)
                passed &= limit is None or size <= limit
                print(f"  {counted:<28}{size:>6}" + (f"  of {limit}" if limit else ""))
    return not passed


if __name__ == "__main__":
    sys.exit(main())
