"""What the service answers while its database is away."""

from typing import NoReturn

import pytest
import sqlalchemy as sa
from flask import Flask, abort, session
from flask.testing import FlaskClient

from . import caching, settings
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


def test_saving_a_session_commits_nothing_of_an_unfinished_view(make_app: MakeApp) -> None:
    db = (app := make_app()).extensions["sqlalchemy"]
    version = sa.column("version_num", sa.String)
    versions = sa.table("alembic_version", version)

    def half() -> NoReturn:
        session["tries"] = 1
        db.session.execute(sa.insert(versions).values(version_num="half"))
        abort(400)

    app.add_url_rule("/half", "half", half)
    assert app.test_client().get("/half").status_code == 400
    with app.app_context():
        assert "half" not in db.session.scalars(sa.select(version).select_from(versions))


def test_the_driver_understands_the_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    given = settings.load_settings().database_url.get_secret_value()
    default = settings.Settings.model_fields["database_url"].default.get_secret_value()

    assert given != default  # what becomes of it is the engine's to test


def test_a_token_that_is_short_or_fits_into_no_header_is_refused() -> None:
    for token in ("x", "a b c d e f g", "tökens-are-ascii", "line\nfeeds-are-not"):
        with pytest.raises(SystemExit, match="API_TOKEN must be 8 or more"):
            settings.load_settings({"API_TOKEN": token})
