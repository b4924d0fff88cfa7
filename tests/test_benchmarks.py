"""The benchmarks' promises, measured in a few rounds."""

import pytest

from benchmarks.generation import seconds


def times_one_file() -> float:
    taken = seconds(rounds=9)
    return taken["this template"] / taken["one file, the same questions"]


@pytest.mark.alone
def test_generating_takes_little_more_than_cookiecutter_itself() -> None:
    """1.5 times, measured. Other work of the machine can only add to it: one of five counts."""
    assert any(times_one_file() <= 1.6 for _ in range(5))
