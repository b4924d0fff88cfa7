"""Each view, for everybody: in any colours, at any width, read or heard."""

import json
from collections.abc import Iterator
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Shop, Visit, add

pytestmark = pytest.mark.run

WIDTHS = (320, 768, 1280)
LONG = "Donaudampfschifffahrtsgesellschaftskapitän"
VIEWS = {
    "catalogue": "/",
    "last page": "/?page=4",
    "search": "/?q=wood",
    "no hit": f"/?q={'zebra' * 20}",
    "product": "/products/1",
    "sold out": "/products/10",
    "long": "",  # a product and a cart with long names and large sums
    "cart": "/cart",
    "empty cart": "/cart",
    "missing": "/nowhere",
}


@pytest.fixture(scope="module")
def long(shop: Shop) -> Iterator[str]:
    """The path of a product that takes much room."""
    long = shop.write(
        {"name": 2 * LONG, "description": 5 * LONG, "price": "999999.99", "stock": 99_999}
    )
    yield f"/products/{long['id']}"
    shop.delete(long)


def open_view(visit: Visit, view: str, long: str, **options: object) -> Page:
    page = visit(VIEWS[view] or long, **options)
    if view == "cart":
        add(page, long, quantity=99)
        add(page, "/products/1")
        expect(page.locator(".lines")).to_contain_text("€ 98,999,999.01")
    return page


def expect_room(page: Page) -> None:
    """Nothing sticks out of the window; in a cart nothing is squeezed or covered."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    widths = "[...document.querySelectorAll('.about')].map(about => about.clientWidth)"
    assert min(page.evaluate(widths), default=160) >= 160
    overlapping = page.evaluate("""
        () => [...document.querySelectorAll(".lines li")].flatMap(line =>
            [...line.children].flatMap((one, place, all) => all.slice(place + 1).filter(other => {
                const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
                return a.left < b.right - 1 && b.left < a.right - 1 &&
                    a.top < b.bottom - 1 && b.top < a.bottom - 1;
            }).map(other => `${one.className} and ${other.className}`))
        )
    """)
    assert overlapping == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_room_and_no_barrier_in_any_scheme_at_any_width(
    visit: Visit, view: str, long: str, complaints: list[str]
) -> None:
    page = open_view(visit, view, long)
    for width, dark in product(WIDTHS, (False, True)):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="dark" if dark else "light")
        expect_room(page)
        found = Axe().run(page).response
        assert found["violations"] == [], json.dumps(found["violations"], indent=1)
        assert found["passes"]
    if view == "missing":
        assert "404" in complaints.pop()


def test_the_second_page_loads_itself_and_the_cart_and_nothing_else(visit: Visit) -> None:
    """Its files are in the browser: their URLs say which version they are."""
    page = visit()
    loaded = """
        () => performance.getEntriesByType("resource")
            .filter(each => each.transferSize).map(each => new URL(each.name).pathname)
    """
    page.wait_for_function(f"({loaded})().includes('/cart/summary')")
    assert {"/static/style.css", "/shop/static/cart.js"} < {*page.evaluate(loaded)}
    page.goto("/?page=2")
    page.wait_for_function(f"({loaded})().includes('/cart/summary')")
    assert page.evaluate(loaded) == ["/cart/summary"]


def test_without_colours_of_its_own_the_page_still_shows_what_is_what(
    visit: Visit, long: str
) -> None:
    page = open_view(visit, "cart", long, forced_colors="active")

    def border(selector: str) -> str:
        style = f"getComputedStyle(document.querySelector('{selector}')).borderTopStyle"
        return str(page.evaluate(style))

    assert [border(what) for what in (".badge", ".tile", ".button", ".quiet")] == ["solid"] * 4
    page.goto("/")
    assert border(".pages [aria-current]") == "solid"
    current, other = (
        page.locator(f".pages {which}").first.evaluate("e => getComputedStyle(e).backgroundColor")
        for which in ("[aria-current]", "a:not([aria-current])")
    )
    assert current != other
    page.get_by_role("searchbox").focus()
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"


def test_text_from_data_is_written_in_its_own_direction(visit: Visit, shop: Shop) -> None:
    pot = shop.write(
        {"name": "إبريق شاي", "description": "من النحاس", "price": "45.00", "stock": 3}
    )
    page = visit(f"/products/{pot['id']}")
    direction = "element => getComputedStyle(element).direction"
    texts = ["h1", ".product .lead"]
    assert [page.locator(text).evaluate(direction) for text in texts] == ["rtl", "rtl"]
    page.goto("/?q=إبريق")
    texts = [".card h2 a", "h1 bdi", "#q"]
    assert [page.locator(text).evaluate(direction) for text in texts] == ["rtl"] * 3
    assert page.locator(".card h2").evaluate(direction) == "ltr"  # it stays at its place
    shop.delete(pot)
