"""A generated project is as short as promised."""

from pathlib import Path

import pytest

from scripts.sizes import BARE, FULL, LIMITS, sizes
from tests.project import bake


@pytest.mark.parametrize(("name", "answers"), [("full", FULL), ("bare", BARE)])
def test_a_project_is_as_short_as_promised(
    name: str, answers: dict[str, str], tmp_path: Path
) -> None:
    counted = sizes(bake(tmp_path, answers))
    too_long = {
        what: counted[what] for what, limit in LIMITS[name].items() if counted[what] > limit
    }
    assert too_long == {}
