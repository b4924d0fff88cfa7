"""`flask sessions prune` removes what has expired, and nothing else."""

from typing import Any

import pytest
from flask.testing import FlaskCliRunner

from ..visitor import Visitor, look, pass_time
from .store import failing, stored

pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture
def cli(alice: Visitor) -> FlaskCliRunner:
    interface: Any = alice.app.session_interface
    alice.app.cli.add_command(interface.commands[0])
    return alice.app.test_cli_runner()


def test_what_has_expired_is_removed_and_nothing_else(
    alice: Visitor, cli: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifetime = alice.app.permanent_session_lifetime.total_seconds()
    assert cli.invoke(args=["sessions", "prune"]).exit_code == 0
    assert alice.do(look) == "alice"
    with monkeypatch.context() as later:
        pass_time(later, seconds=lifetime + 5)
        assert alice.do(look) is None
        alice = alice.twin()
        result = cli.invoke(args=["sessions", "prune"])
    assert result.output.startswith("Removed ")
    assert result.output != "Removed 0 expired sessions.\n"
    assert stored(alice) is None


def test_a_store_that_is_busy_is_pruned_another_time(alice: Visitor, cli: FlaskCliRunner) -> None:
    with failing("prune", alice.app):
        result = cli.invoke(args=["sessions", "prune"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: The session store is busy")
