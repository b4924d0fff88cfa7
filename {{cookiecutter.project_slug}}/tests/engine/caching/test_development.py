"""In development an edit shows at the next request, and browsers keep no page unasked."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, render_template

from ..hub import caching
from .conftest import MakeApp
from .support import Count, cache

pytestmark = pytest.mark.usefixtures("patient")

Ask = Callable[..., tuple[str, str, str]]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    template = tmp_path / "package" / "templates" / "page.html"
    template.parent.mkdir(parents=True)
    template.write_text("one")
    return template


@pytest.fixture(params=[True, False], ids=["development", "production"])
def debug(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def ask(make_app: MakeApp, template: Path, debug: bool) -> Ask:
    """Visits a cached page of a service whose package is the template's folder."""
    app = Flask("edited", root_path=str(template.parent.parent), static_folder=None)
    app.config.update({**make_app().config, "DEBUG": debug, "TEMPLATES_AUTO_RELOAD": True})
    own = caching.Cache()
    own.init_app(app)
    view = Count(lambda: render_template("page.html"))
    app.add_url_rule("/", "page", own.page(timeout=60, stale=60)(lambda: view()))

    def ask(**headers: str) -> tuple[str, str, str]:
        answer = app.test_client().get("/", headers=headers)
        _, _, said = answer.headers["Cache-Status"].partition("; ")
        assert f'cache;desc="{said}";dur=' in answer.headers.get("Server-Timing", "") or not debug
        return answer.text, said.partition("; ")[0], answer.headers["Cache-Control"]

    return ask


def test_an_edit_shows_at_the_next_request(ask: Ask, template: Path, debug: bool) -> None:
    assert [ask()[:2] for _ in range(2)] == [("one", "fwd=miss"), ("one", "hit")]
    template.write_text("another")
    assert [ask()[:2] for _ in range(2)] == (
        [("another", "fwd=miss"), ("another", "hit")] if debug else [("one", "hit")] * 2
    )
    template.with_name("other.html").touch()
    assert ask()[1] == ("fwd=miss" if debug else "hit")
    template.with_name("other.html").unlink()
    assert ask()[1] == ("fwd=miss" if debug else "hit")


def test_a_reload_without_the_browsers_cache_computes(ask: Ask, debug: bool) -> None:
    ask()
    assert ask()[1] == "hit"
    assert ask(**{"Cache-Control": "max-age=0"})[1] == "hit"
    assert ask(**{"Cache-Control": "no-cache"})[1] == ("fwd=miss" if debug else "hit")


def test_what_development_caches_is_not_shown_in_production(make_app: MakeApp) -> None:
    with make_app(DEBUG=True).app_context():
        cache.set("key", "for developers")
        assert cache.get("key") == "for developers"
    with make_app().app_context():
        assert cache.get("key") is None


def test_browsers_ask_each_time(ask: Ask, debug: bool) -> None:
    for _ in range(2):
        assert ("max-age=0" in ask()[2]) is debug
