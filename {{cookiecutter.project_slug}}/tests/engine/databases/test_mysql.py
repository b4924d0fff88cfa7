"""MySQL and MariaDB: the forms of their URL, and which of their errors are outages."""

import pytest
from flask import Flask

from ..hub import databases
from .conftest import Ask


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_every_usual_form_of_the_url_is_understood(scheme: str) -> None:
    url = databases.normalized(f"{scheme}://app:app@db/app")
    assert url == "mysql+pymysql://app:app@db/app"


def test_a_full_disk_is_an_outage(ask: Ask) -> None:
    full = ask("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'Disk full'")
    assert (full.status_code, full.headers["Retry-After"]) == (503, "5")


def test_a_mistake_in_a_statement_is_no_outage(ask: Ask) -> None:
    assert ask("SELECT nothing").status_code == 500


def test_a_transaction_reads_what_was_committed_meanwhile(app: Flask) -> None:
    with app.app_context():
        session = app.extensions["sqlalchemy"].session
        assert session.connection().get_isolation_level() == "READ COMMITTED"
