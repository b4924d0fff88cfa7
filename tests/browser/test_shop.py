"""A visitor of the example: looks around, fills a cart, and reads what went wrong."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.browsing import program
from tests.browser.conftest import Shop, Visit, add
from tests.project import BakedProject

pytestmark = pytest.mark.run


def expect_badge(page: Page, text: str) -> None:
    expect(page.locator(".badge")).to_have_text(text)


@pytest.fixture
def mug(shop: Shop) -> str:
    """The path of a product."""
    return f"/products/{shop.product('enamel mug')['id']}"


@pytest.fixture
def pig(shop: Shop) -> Iterator[dict[str, Any]]:
    """A product with three pieces, of which a test may sell some."""
    pig = shop.product("salt pig")
    assert pig["stock"] == 3
    yield pig
    shop.write(pig)


def test_a_search_finds_a_product_and_shows_it(visit: Visit) -> None:
    page = visit()
    page.get_by_role("searchbox").fill("walnut steel")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("“walnut steel”")
    page.get_by_role("link", name="Pepper Mill").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pepper Mill")
    expect(page).to_have_title(re.compile("Pepper Mill"))


def test_the_number_of_the_page_is_in_the_title(visit: Visit) -> None:
    page = visit()
    expect(page).not_to_have_title(re.compile("page"))
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_title(re.compile("Catalogue, page 2"))


def test_numbers_of_pages_that_are_left_out_leave_a_sign(visit: Visit, shop: Shop) -> None:
    def shown() -> str:
        return " ".join(page.locator(".pages").inner_text().split())

    page = visit()
    assert shown() == "1 2 3 4 Next"
    draft = {"name": "Wooden Peg", "description": "", "price": "0.10", "stock": 9}
    pegs = [shop.write(draft) for _ in range(6 * 12)]
    page.reload()
    assert shown() == "1 2 3 … 10 Next"
    page.goto("/?page=5")
    assert shown() == "Previous 1 … 3 4 5 6 7 … 10 Next"
    for peg in pegs:
        shop.delete(peg)


def test_a_cart_and_its_badge_survive_a_reload(visit: Visit, mug: str) -> None:
    page = visit(mug)
    expect(page.locator(".badge")).to_be_hidden()
    add(page, mug, quantity=2)
    expect_badge(page, "2")
    page.reload()
    expect(page.locator(".lines")).to_contain_text("€ 25.80")
    page.get_by_role("link", name="Continue shopping").click()
    expect_badge(page, "2")


def test_another_browser_has_its_own_cart(visit: Visit, mug: str) -> None:
    one, other = visit(mug), visit(mug)
    add(one, mug, quantity=3)
    other.goto("/cart")
    expect(other.get_by_text("Nothing in it yet")).to_be_visible()
    add(other, mug)
    one.reload()
    expect_badge(one, "3")
    expect_badge(other, "1")


def test_the_badge_is_right_after_the_way_back(visit: Visit, mug: str) -> None:
    page = visit(mug)
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your cart")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enamel Mug")
    expect_badge(page, "1")


def test_the_badge_is_right_on_a_page_that_the_browser_kept(
    browser: Browser, shop: Shop, mug: str
) -> None:
    forbidden = ["--disable-back-forward-cache"]  # Playwright's, for no other browser has it
    launch = browser.browser_type.launch
    with launch(executable_path=program(), ignore_default_args=forbidden) as keeping:
        page = keeping.new_page(base_url=shop.address)
        page.goto(mug)
        page.evaluate("addEventListener('pageshow', event => { window.kept = event.persisted })")
        page.get_by_role("button", name="Add to cart").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your cart")
        page.evaluate("history.back()")
        expect(page.get_by_role("heading", level=1)).to_have_text("Enamel Mug")
        expect_badge(page, "1")
        assert page.evaluate("window.kept")


def test_the_shop_works_without_javascript(visit: Visit, mug: str) -> None:
    page = visit(mug, java_script_enabled=False)
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("button", name="One more").click()
    expect(page.locator(".lines")).to_contain_text("€ 25.80")
    expect(page.get_by_role("button", name="One more")).to_be_focused()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Nothing in it yet")).to_be_visible()
    page.goto(mug)
    page.get_by_role("link", name="Catalogue", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Everyday goods")


@pytest.mark.parametrize("key", ["Enter", None], ids=["keyboard", "mouse"])
def test_the_focus_stays_on_the_button_that_was_used(
    visit: Visit, mug: str, pig: dict[str, Any], key: str | None
) -> None:
    def use(button: str, becomes: str, focused: str) -> None:
        element = page.get_by_role("button", name=f"{button}: Salt Pig")
        element.press(key) if key else element.click()
        expect(page.locator(f"#held-{pig['id']}")).to_have_text(f"{becomes} in the cart")
        expect(page.get_by_role("button", name=f"{focused}: Salt Pig")).to_be_focused()

    page = visit()
    add(page, mug)
    add(page, f"/products/{pig['id']}")
    use("One more", becomes="2", focused="One more")
    use("One more", becomes="3", focused="One less")  # there are no more
    use("One less", becomes="2", focused="One less")
    described = page.locator(":focus").get_attribute("aria-describedby")
    assert described == f"held-{pig['id']}"  # so a screen reader says what has changed
    for _ in range(2):
        page.get_by_role("button", name="One less: Salt Pig").click()
    expect(page.get_by_role("heading", name="Your cart")).to_be_focused()
    expect_badge(page, "1")


def test_catalogue_leads_back_to_the_page_and_the_search_one_came_from(visit: Visit) -> None:
    page = visit("/?q=the&page=2")
    page.locator(".card a").first.click()
    page.reload()
    page.get_by_role("link", name="Catalogue", exact=True).click()
    expect(page).to_have_url(re.compile(r"/\?q=the&page=2$"))


def test_catalogue_leads_to_the_catalogue_if_one_came_from_elsewhere(
    visit: Visit, mug: str
) -> None:
    page = visit(mug)
    add(page, mug)
    page.locator(".lines a").first.click()
    page.get_by_role("link", name="Catalogue", exact=True).click()
    expect(page).to_have_url(re.compile(r":\d+/$"))


def test_a_product_that_is_sold_out_says_so_and_has_no_form(visit: Visit) -> None:
    page = visit("/?q=bread+knife")
    sold, other = page.locator(".card .stock"), page.locator(".card .tile")
    expect(sold).to_have_text("Sold out")
    assert "grayscale" in other.evaluate("tile => getComputedStyle(tile).filter")
    page.get_by_role("link", name="Bread Knife").click()
    expect(page.get_by_text("it cannot be ordered at the moment")).to_be_visible()
    expect(page.get_by_role("button", name="Add to cart")).to_have_count(0)


def test_a_search_without_a_hit_says_what_to_do(visit: Visit) -> None:
    page = visit("/?q=zebra")
    expect(page.get_by_text("Try fewer words")).to_be_visible()
    page.get_by_role("link", name="Show everything").click()
    expect(page.locator(".card")).to_have_count(12)


def test_an_empty_catalogue_says_what_to_do(visit: Visit, development: str) -> None:
    page = visit(development)
    expect(page.get_by_text("uv run flask shop seed")).to_be_visible()
    expect(page.locator(".card")).to_have_count(0)


def test_an_empty_cart_leads_to_the_catalogue(visit: Visit) -> None:
    page = visit("/cart")
    page.get_by_role("link", name="Go to the catalogue").click()
    expect(page.locator(".card")).to_have_count(12)


def test_what_was_sold_out_meanwhile_is_said_on_a_page_with_a_way_back(
    visit: Visit, shop: Shop, pig: dict[str, Any], complaints: list[str]
) -> None:
    path = f"/products/{pig['id']}"
    page = visit(path)
    shop.write({**pig, "stock": 0})
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sold out")
    expect(page.get_by_text("Salt Pig is sold out, so nothing was added")).to_be_visible()
    expect(page.locator(".badge")).to_be_hidden()
    page.get_by_role("link", name="Back to the page before").click()
    expect(page).to_have_url(re.compile(f"{path}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Salt Pig")
    assert refused(complaints, 409)


def test_without_the_session_store_a_page_says_so_until_it_is_back(
    visit: Visit, project: BakedProject, mug: str, complaints: list[str]
) -> None:
    folder = project.path / "var" / "sessions-that-come-back"
    with project.serving(SESSION_URL=f"file:{folder}") as client:
        page = visit(mug, base_url=str(client.base_url))
        add(page, mug)
        away = folder.rename(f"{folder}-away")
        folder.touch()  # where the store wants a folder
        page.goto(mug)
        page.get_by_role("button", name="Add to cart").click()
        expect(page.get_by_text("Your session is out of reach")).to_be_visible()
        expect(page.get_by_text("try again in 5 seconds")).to_be_visible()
        page.get_by_role("link", name="Back to the page before").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Enamel Mug")
        page.get_by_role("link", name="Cart").click()
        expect(page.get_by_text("Your session is out of reach")).to_be_visible()
        folder.unlink()
        away.rename(folder)
        page.get_by_role("link", name="Try again").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your cart")
        expect_badge(page, "1")
    assert refused(complaints, 503)


def test_without_a_network_the_page_stays_and_says_so(
    visit: Visit, mug: str, complaints: list[str]
) -> None:
    page = visit(mug)
    page.context.set_offline(True)
    for _ in range(2):
        page.get_by_role("button", name="Add to cart").click()
        expect(page.get_by_role("alert")).to_contain_text("nothing was changed")
    expect(page.get_by_role("heading", level=1)).to_have_text("Enamel Mug")
    page.context.set_offline(False)
    page.get_by_role("button", name="Add to cart").click()
    expect_badge(page, "1")
    assert "ERR_INTERNET_DISCONNECTED" in complaints[0]
    assert {*complaints} == {complaints[0]}
    complaints.clear()


def refused(complaints: list[str], status: int) -> bool:
    """Whether the console has complaints of this status, and no others. Takes them away."""
    told = {*complaints}
    complaints.clear()
    return len(told) == 1 and f"status of {status}" in told.pop()
