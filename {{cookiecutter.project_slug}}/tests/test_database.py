"""What the service answers while its database is away{{ ", and what it shares with sessions" if cookiecutter.session_store == "sql" }}."""

# {% if cookiecutter.session_store == "sql" %}
from importlib import import_module
# {% endif %}
from typing import NoReturn

import sqlalchemy as sa
# {% if cookiecutter.session_store == "sql" %}
from flask import Flask, abort, session
# {% else %}
from flask import Flask
# {% endif %}
from flask.testing import FlaskClient
# {% if cookiecutter.session_store == "sql" %}
from flask_migrate import check

from . import caching, create_app
# {% else %}

from . import caching
# {% endif %}
from .conftest import MakeApp


def serve(app: Flask) -> FlaskClient:
    """Routes that read the database: /page and /api/page, and /cached through the cache."""

    def read() -> str:
        return str(app.extensions["sqlalchemy"].session.scalar(sa.text("SELECT 1")))

    app.add_url_rule("/page", "page", read)
    app.add_url_rule("/api/page", "api", read)
    app.add_url_rule("/cached", "cached", caching.page(timeout=60)(read))
    return app.test_client()


def cut_off(app: Flask) -> None:
    """From now on each new connection of the service fails, and it has no others."""
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine

    def fail(*_: object) -> NoReturn:
        raise engine.dialect.loaded_dbapi.OperationalError("away")

    sa.event.listen(engine, "connect", fail)
    engine.dispose()


def test_without_its_database_the_service_has_only_cached_pages(make_app: MakeApp) -> None:
    client = serve(make_app())
    assert client.get("/page").text == client.get("/cached").text == "1"
    cut_off(client.application)
    page, problem = client.get("/page"), client.get("/api/page")
    assert (page.status_code, problem.status_code) == (503, 503)
    assert int(page.headers["Retry-After"]) > 0
    assert "out of reach" in page.text
    assert problem.content_type == "application/problem+json"
    assert "out of reach" in problem.get_json()["detail"]
    assert client.get("/readyz").get_json()["checks"]["database"]["status"] == "unavailable"
    url = client.application.extensions["settings"].cache_url.get_secret_value()
    assert client.get("/cached").status_code == (503 if url.startswith("null:") else 200)
# {% if cookiecutter.session_store == "sql" %}


def test_migrations_leave_the_table_of_the_sessions_alone(app: Flask) -> None:
    store = import_module(f"{create_app.__module__}.engine.sessions.stores.sql")
    with app.app_context():
        store.table.create(app.extensions["sqlalchemy"].engine, checkfirst=True)
        check()


def test_a_saved_session_commits_nothing_of_an_unfinished_view(make_app: MakeApp) -> None:
    app = make_app()
    db = app.extensions["sqlalchemy"]
    versions = sa.table("alembic_version")

    @app.get("/half")
    def half() -> str:
        session["tries"] = 1
        db.session.execute(sa.delete(versions))
        abort(400)

    app.add_url_rule("/tries", "tries", lambda: str(session["tries"]))
    client = app.test_client()
    assert client.get("/half").status_code == 400
    assert client.get("/tries").text == "1"
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(versions)) == 1
# {% endif %}
