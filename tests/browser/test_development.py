"""In development, a strip says what the cache did. In production there is none."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.project import BakedProject

pytestmark = pytest.mark.run

STRIP = "body > [aria-hidden]:first-child"


def strip(page: Page) -> str:
    return page.locator(STRIP).inner_text()


def test_the_second_view_of_a_page_is_a_hit_and_the_strip_says_so(
    visit: Visit, development: str
) -> None:
    page = visit(f"{development}/?q=first")
    assert strip(page).startswith("miss, stored, ")
    assert "ms in the view" in strip(page)
    for _ in range(2):
        page.goto(page.url)
        assert strip(page).startswith("hit, ")
        assert " s left, " in strip(page)
        assert "ms in the view" not in strip(page)


def test_a_page_that_is_not_cached_has_the_time_only(visit: Visit, development: str) -> None:
    page = visit(f"{development}/cart")
    assert "ms in the view" in strip(page)
    assert "hit" not in strip(page)


def test_the_strip_covers_nothing_and_is_not_read_out(visit: Visit, development: str) -> None:
    page = visit(development, viewport={"width": 320, "height": 640})
    box, bar = page.locator(STRIP).bounding_box(), page.locator(".bar").bounding_box()
    assert box
    assert bar
    assert box["y"] + box["height"] <= bar["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert strip(page) not in page.locator("body").aria_snapshot()


def test_production_has_no_strip_and_nothing_of_it(visit: Visit, project: BakedProject) -> None:
    with project.serving(APP_ENV="production", SECRET_KEY="k" * 48) as client:
        answer = client.get("/")
        assert "strip" not in answer.text
        assert "Server-Timing" not in answer.headers
        page = visit(str(client.base_url))
        expect(page.locator(".card")).to_have_count(12)
        expect(page.locator(STRIP)).to_have_count(0)
