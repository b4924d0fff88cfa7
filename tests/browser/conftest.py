"""What the tests in a browser share: one browser, one project, and its services."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser.browsing import chromium, developing, make_project, program
from tests.project import PATIENT, BakedProject

TOKEN = "a-token-for-the-suite"

PATIENCE = 30_000  # milliseconds: a busy machine is slow, and nothing is wrong with it

expect.set_options(timeout=PATIENCE)

Visit = Callable[..., Page]


def add(page: Page, path: str, quantity: int = 1) -> None:
    """Add a product to the cart, on its page."""
    page.goto(path)
    page.get_by_label("Quantity").fill(str(quantity))
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your cart")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not program():
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse("not installed: chromium")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def project(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """A service with the default answers: memory, files and SQLite. For the browser, if any."""
    return make_project(tmp_path_factory.mktemp("browser"))


@dataclass(frozen=True)
class Shop:
    """A service, and its team, who write to the catalogue."""

    client: httpx.Client

    @property
    def address(self) -> str:
        return str(self.client.base_url)

    def product(self, q: str) -> dict[str, Any]:
        (found,) = self.client.get("/api/products", params={"q": q}).json()["items"]
        return dict(found)

    def write(self, product: dict[str, Any]) -> dict[str, Any]:
        """Change the product, or create it if it has no id."""
        path = f"/api/products/{product['id']}" if "id" in product else "/api/products"
        method = "PUT" if "id" in product else "POST"
        written = self.client.request(method, path, json=product, headers=self.token)
        assert written.is_success, written.text
        return dict(written.json())

    def delete(self, product: dict[str, Any]) -> None:
        self.client.delete(f"/api/products/{product['id']}", headers=self.token)

    @property
    def token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="package")
def shop(project: BakedProject) -> Iterator[Shop]:
    with project.serving(PATIENT, API_TOKEN=TOKEN) as client:
        yield Shop(client)


@pytest.fixture(scope="package")
def development(project: BakedProject) -> Iterator[str]:
    """The address of a service under development, whose catalogue is empty."""
    variables = {"DATABASE_URL": "sqlite:///var/empty.db"}
    project.run("uv run flask db upgrade", **variables)
    with developing(project, **variables) as address:
        yield address


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the browser's console complains of. A test that expects it clears the list."""
    complaints: list[str] = []
    yield complaints
    assert complaints == []


@pytest.fixture
def visit(shop: Shop, browser: Browser, complaints: list[str]) -> Iterator[Visit]:
    """Opens a page in a browser of its own, with Playwright's options of a context."""
    contexts: list[BrowserContext] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def visit(path: str = "/", **options: Any) -> Page:
        contexts.append(browser.new_context(**{"base_url": shop.address, **options}))
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
