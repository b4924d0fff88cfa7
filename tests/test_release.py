"""A release: what the workflow publishes, and what it refuses."""

from pathlib import Path

import pytest

from scripts.release import notes


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n## 1.2.0 - 2026-12-01\n\n### Added\n\n- Bells\n\n"
        "## 1.1.0 - 2026-11-01\n\n- Whistles\n"
    )
    return tmp_path


def test_the_notes_are_the_section_of_the_changelog(repository: Path) -> None:
    assert notes("1.2.0", repository) == "### Added\n\n- Bells"


@pytest.mark.parametrize(
    ("version", "release", "sentence"),
    [
        ("1.2.0", "1.2.1", r"The tag is 1\.2\.1, but pyproject\.toml says 1\.2\.0"),
        ("1.3.0", "1.3.0", r"CHANGELOG\.md has no section 1\.3\.0"),
    ],
)
def test_what_is_not_ready_is_refused_in_a_sentence(
    repository: Path, version: str, release: str, sentence: str
) -> None:
    (repository / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
    with pytest.raises(ValueError, match=sentence):
        notes(release, repository)
