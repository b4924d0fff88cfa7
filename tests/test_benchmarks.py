"""The benchmarks' promises, measured in a few rounds."""

import pytest

from benchmarks.generation import seconds


@pytest.mark.run
def test_generating_takes_little_more_than_cookiecutter_itself() -> None:
    """1.6 to 2.0 times, measured; the rest is room for what else the processors do."""
    taken = seconds(rounds=7)
    assert taken["this template"] <= 2.2 * taken["one file, the same questions"], taken
