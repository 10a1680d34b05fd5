"""A visitor of the page in a real browser, who notes all that it asks for or complains of."""

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from catalog.product import Product
from tests.page_house import PageHouse, opened

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None,
    reason="THE PAGE IS NOT TESTED: there is no chromium on the path (apt-get install chromium)",
)
PATIENCE_MS = 30_000


@pytest.fixture(scope="session")
def page_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageHouse]:
    """One drawn shop for all tests of the page; a test mends what it breaks."""
    with opened(tmp_path_factory.mktemp("shop")) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser; each visitor has a profile of their own in it.

    It ends with the module: while it runs, no other test can run an event loop in this thread.
    """
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


class Visit:
    """A page in a fresh browser profile, and everything that it asked for or complained of."""

    def __init__(self, context: BrowserContext, house: PageHouse) -> None:
        context.set_default_timeout(PATIENCE_MS)
        self.house = house
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda line: self._heard(line.type, line.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation',"
            " (event) => console.error('CSP', event.violatedDirective))"
        )

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def open(self, address: str = "/") -> None:
        self.page.goto(self.house.url + address)

    @property
    def box(self) -> Locator:
        """The box for the words."""
        return self.page.get_by_role("combobox", name="Search in words")

    def search(self, words: str) -> None:
        self.box.fill(words)
        self.page.keyboard.press("Enter")
        self.settled()

    def settled(self) -> None:
        """Waits until an answer is on the page."""
        expect(self.page.locator("#grid")).not_to_have_attribute("aria-busy", "true")
        expect(self.page.locator("#status")).not_to_have_text("Searching …")

    def ids(self) -> list[str]:
        cards = self.page.locator("#grid .card").all()
        return [card.get_attribute("data-id") or "" for card in cards]

    def shown(self) -> list[Product]:
        return [self.house.products[name] for name in self.ids()]

    def total(self) -> int:
        """What the page says how many there are; they must be exact."""
        told = self.page.locator("#status").inner_text()
        found = re.fullmatch(r"([\d,]+) (?:styles?|products?)", told)
        assert found, told
        return int(found[1].replace(",", ""))

    def facet(self, field: str) -> dict[str, int]:
        """The values of a filter, as far as they are shown, with their counts."""
        lines = self.page.locator(f"[data-field={field}] .value").all()
        return {
            line.locator("input").get_attribute("data-key") or "": int(
                line.locator(".count-of").inner_text()
            )
            for line in lines
        }

    def tick(self, key: str) -> None:
        """Presses a filter, such as ``colour:red``, and waits for the answer."""
        self.page.locator(f'[data-key="{key}"]').click()
        self.settled()

    def choose_photo(self, photo: bytes) -> None:
        """Chooses a photo to search with."""
        self.page.locator("#file").set_input_files(
            {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photo}
        )

    def searches(self) -> int:
        """How many searches the page asked for so far."""
        return sum(url.endswith("/v1/search") for url in self.asked)

    def show_more(self, count: int) -> None:
        """Presses "Show more" and waits until so many are there."""
        self.page.get_by_role("button", name="Show more").click()
        expect(self.page.locator("#grid .card")).to_have_count(count)


def parts_of(search: Request) -> list[dict[str, object]]:
    """The parts of a search that the page sent."""
    parts: list[dict[str, object]] = json.loads(search.post_data or "")["parts"]
    return parts


@pytest.fixture
def visit(browser: Browser, page_house: PageHouse) -> Iterator[Visit]:
    expect.set_options(timeout=PATIENCE_MS)
    context = browser.new_context(locale="en-IE", viewport={"width": 1280, "height": 900})
    visitor = Visit(context, page_house)
    yield visitor
    context.close()
    page_house.mend()
    assert all(url.startswith((page_house.url, "blob:", "data:")) for url in visitor.asked)
    assert visitor.complaints == [], visitor.complaints
