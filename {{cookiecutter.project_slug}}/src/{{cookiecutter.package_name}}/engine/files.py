"""Folders of the service's own, which no other user of the machine can look into."""

from pathlib import Path


def make_folder(path: Path) -> None:
    """Make the folder, and those above it that are missing."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
