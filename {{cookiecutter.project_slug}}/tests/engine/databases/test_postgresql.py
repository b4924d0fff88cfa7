"""PostgreSQL: the forms of its URL, and which of its errors are outages."""

import pytest

from ..hub import databases
from .conftest import Ask


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_usual_form_of_the_url_is_understood(scheme: str) -> None:
    url = databases.normalized(f"{scheme}://app:app@db/app")
    assert url == "postgresql+psycopg://app:app@db/app"


def test_an_option_that_the_driver_does_not_know_is_one_sentence() -> None:
    assert databases.normalized("postgres://u:p@h/d?sslmode=require").endswith("=require")
    for option in ("pgbouncer=true", "schema=public", "ssl-mode=REQUIRED"):
        with pytest.raises(ValueError, match=f"the option {option.partition('=')[0]}, which"):
            databases.normalized(f"postgres://u:hunter2@h/d?{option}")


def test_a_full_disk_is_an_outage(ask: Ask) -> None:
    full = ask("DO 'BEGIN RAISE disk_full; END'")
    assert (full.status_code, full.headers["Retry-After"]) == (503, "5")


def test_a_statement_that_is_canceled_is_no_outage(ask: Ask) -> None:
    assert ask("SELECT pg_cancel_backend(pg_backend_pid())").status_code == 500
