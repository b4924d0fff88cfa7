"""The search for dead code finds it, and nothing else."""

from pathlib import Path

from tests.dead import unused
from tests.project import BakedProject

SERVICE = """
LIMIT = 1

def answer(app):
    price = 2
    @app.get("/")
    def view():
        return {"price": price}

def forgotten():
    return answer
"""
CONFTEST = """
import pytest

@pytest.fixture
def used(): ...

@pytest.fixture
def asked_by_name(): ...

@pytest.fixture(autouse=True)
def by_itself(): ...

@pytest.fixture
def unused_one(used): ...
"""
TEST = """
import pytest

pytestmark = pytest.mark.usefixtures("asked_by_name")
"""


def test_what_nothing_uses_is_found(tmp_path: Path) -> None:
    for path, content in {
        "src/service/__init__.py": SERVICE,
        "tests/conftest.py": CONFTEST,
        "tests/test_it.py": TEST,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    assert unused(BakedProject(tmp_path, {})) == [
        "src/service/__init__.py:2: unused variable 'LIMIT'",
        "src/service/__init__.py:10: unused function 'forgotten'",
        "tests/conftest.py:14: unused fixture 'unused_one'",
    ]
