"""MySQL and MariaDB: the forms of their URL, and which of their errors are outages."""

import pytest
import sqlalchemy as sa
from flask import Flask

from ..hub import databases
from .conftest import Ask


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_every_usual_form_of_the_url_is_understood(scheme: str) -> None:
    url = databases.normalized(f"{scheme}://app:app@db/app")
    assert url == "mysql+pymysql://app:app@db/app"


def test_an_option_that_the_driver_does_not_know_is_one_sentence() -> None:
    assert databases.normalized("mysql://u:p@h/d?ssl_ca=/ca.pem").endswith("=/ca.pem")
    for option in ("ssl-mode=REQUIRED", "sslmode=require"):
        with pytest.raises(ValueError, match=f"the option {option.partition('=')[0]}, which"):
            databases.normalized(f"mysql://u:hunter2@h/d?{option}")
    with pytest.raises(ValueError, match="has a wrong value for one of connect_timeout"):
        databases.normalized("mysql://u:hunter2@h/d?connect_timeout=soon")


def test_any_text_is_held_whatever_the_database_is_made_for(app: Flask) -> None:
    db = app.extensions["sqlalchemy"]
    words = sa.Table("test_words", sa.MetaData(), sa.Column("word", sa.String(20)))
    with app.app_context():
        name = db.engine.dialect.identifier_preparer.quote(db.engine.url.database)
        db.session.execute(sa.text(f"ALTER DATABASE {name} CHARACTER SET latin1"))
        db.session.commit()
        words.create(db.engine)
        db.session.execute(words.insert().values(word="pot 🍲"))
        found = db.session.scalars(sa.select(words.c.word).where(words.c.word.contains("🍲")))
        assert [*found] == ["pot 🍲"]
        db.session.commit()
        words.drop(db.engine)


def test_a_full_disk_is_an_outage(ask: Ask) -> None:
    full = ask("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'Disk full'")
    assert (full.status_code, full.headers["Retry-After"]) == (503, "5")


def test_a_mistake_in_a_statement_is_no_outage(ask: Ask) -> None:
    assert ask("SELECT nothing").status_code == 500


def test_a_transaction_reads_what_was_committed_meanwhile(app: Flask) -> None:
    with app.app_context():
        session = app.extensions["sqlalchemy"].session
        assert session.connection().get_isolation_level() == "READ COMMITTED"
