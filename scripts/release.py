"""Print what CHANGELOG.md says of a release, for the workflow that publishes it.

python3 scripts/release.py 1.2.0
"""

import re
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


def notes(release: str, repository: Path = REPOSITORY) -> str:
    """Raises ValueError, a sentence, if the repository is not ready for the release."""
    version = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["version"]
    if version != release:
        raise ValueError(f"The tag is {release}, but pyproject.toml says {version}: change one.")
    changes = (repository / "CHANGELOG.md").read_text()
    heading = rf"^## {re.escape(release)}\b[^\n]*\n"
    section = re.search(rf"{heading}(.*?)(?=^## |\Z)", changes, re.MULTILINE | re.DOTALL)
    if not section or not section[1].strip():
        raise ValueError(f"CHANGELOG.md has no section {release}: write it, and tag again.")
    return section[1].strip()


if __name__ == "__main__":
    try:
        print(notes(sys.argv[1]))
    except ValueError as refusal:
        sys.exit(str(refusal))
