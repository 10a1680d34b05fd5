"""The page does its work in a real browser, and asks nobody but its own gateway."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from runtime.errors import Unavailable
from tests.page_house import LIKED, SHOPPER, PageHouse, opened

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="THE PAGE IS NOT TESTED: there is no chromium on the path (apt-get install chromium)",
)
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageHouse]:
    with opened(tmp_path_factory.mktemp("shop")) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
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

    def search(self, words: str) -> None:
        self.page.get_by_role("searchbox").fill(words)
        self.page.keyboard.press("Enter")
        self.settled()

    def settled(self) -> None:
        """Waits until an answer is on the page."""
        expect(self.page.locator("#grid")).not_to_have_attribute("aria-busy", "true")
        expect(self.page.locator("#status")).not_to_have_text("Searching …")

    def ids(self) -> list[str]:
        cards = self.page.locator("#grid .card").all()
        return [card.get_attribute("data-id") or "" for card in cards]


@pytest.fixture
def visit(browser: Browser, house: PageHouse) -> Iterator[Visit]:
    expect.set_options(timeout=PATIENCE_MS)
    context = browser.new_context(locale="en-IE", viewport={"width": 1280, "height": 900})
    visitor = Visit(context, house)
    yield visitor
    context.close()
    house.text.error = house.image.error = None
    assert all(url.startswith((house.url, "blob:", "data:")) for url in visitor.asked)
    assert visitor.complaints == []


def test_words_show_cards_with_photo_title_brand_and_price(visit: Visit) -> None:
    visit.open()
    visit.search("dress")
    cards = visit.page.locator("#grid .card")
    expect(cards.first).to_be_visible()
    for card in cards.all()[:5]:
        product = visit.house.products[card.get_attribute("data-id") or ""]
        expect(card.get_by_role("button", name=product.title, exact=True)).to_be_visible()
        expect(card.locator(".brand")).to_have_text(product.brand)
        assert product.price_minor is not None
        expect(card.locator(".price")).to_have_text(f"€{product.price_minor / 100:.2f}")
    photo = visit.page.locator("#grid img").first
    expect(photo).to_have_js_property("complete", True)
    assert photo.evaluate("image => image.naturalWidth") == 256
    assert visit.house.products[visit.ids()[0]].kind == "dress"
    expect(visit.page.locator("#status")).to_contain_text("products")


def test_a_search_can_be_shared_by_its_address_and_gone_back_to(visit: Visit) -> None:
    visit.open(f"/?q=dress&user={SHOPPER}&taste=80")
    visit.settled()
    expect(visit.page.get_by_role("searchbox")).to_have_value("dress")
    expect(visit.page.get_by_label("Shopping as")).to_have_value(SHOPPER)
    expect(visit.page.locator("#share-value")).to_have_text("80 %")
    shared = visit.ids()
    visit.search("shoes")
    assert visit.page.url.endswith(f"/?q=shoes&user={SHOPPER}&taste=80")
    visit.page.go_back()
    expect(visit.page.locator("#grid .card").first).to_have_attribute("data-id", shared[0])
    assert visit.ids() == shared


def test_a_chosen_photo_is_searched_previewed_and_removed(visit: Visit) -> None:
    product = next(iter(visit.house.products))
    visit.open()
    visit.page.locator("#file").set_input_files(
        {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": visit.house.photo(product)}
    )
    expect(visit.page.locator("#grid .card").first).to_have_attribute("data-id", product)
    expect(visit.page.get_by_alt_text("Your photo")).to_be_visible()
    visit.page.get_by_role("button", name="Remove the photo").click()
    expect(visit.page.get_by_alt_text("Your photo")).to_be_hidden()
    expect(visit.page.get_by_text("What are you looking for?")).to_be_visible()


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_photo_may_be_dropped_or_pasted(visit: Visit, way: str) -> None:
    product = list(visit.house.products)[7]
    visit.open()
    visit.page.evaluate(
        """([way, bytes]) => {
            const transfer = new DataTransfer();
            const kind = { type: "image/jpeg" };
            transfer.items.add(new File([new Uint8Array(bytes)], "p.jpg", kind));
            const event = way === "drop"
                ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
                : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
            document.body.dispatchEvent(event);
        }""",
        [way, list(visit.house.photo(product))],
    )
    expect(visit.page.locator("#grid .card").first).to_have_attribute("data-id", product)


def test_a_file_that_is_no_photo_is_refused_in_words(visit: Visit) -> None:
    visit.open()
    visit.page.locator("#file").set_input_files(
        {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"}
    )
    expect(visit.page.get_by_text("A photo must be a JPEG, PNG or WebP file.")).to_be_visible()


def test_the_drawer_says_why_in_terms_that_add_up(visit: Visit) -> None:
    visit.open(f"/?q=red+dress&user={SHOPPER}&taste=60")
    visit.settled()
    visit.page.locator("#grid .card .why").first.click()
    drawer = visit.page.get_by_role("dialog")
    expect(drawer.get_by_text("Why it is no. 1")).to_be_visible()
    terms = [float(row.get_attribute("data-value") or "") for row in drawer.locator(".term").all()]
    score = float(drawer.locator(".sum").get_attribute("data-score") or "")
    assert len(terms) == 2
    assert sum(terms) == pytest.approx(score)
    expect(drawer.locator(".stack .piece")).to_have_count(2)
    expect(drawer.get_by_text("what this shopper bought and liked")).to_be_visible()
    expect(drawer.locator(".ranks li").nth(0)).to_have_text(re.compile(r"Wordsno\. \d+ with score"))
    expect(drawer.locator(".ranks li").nth(1)).to_contain_text("not found this way")
    expect(drawer.locator(".times li").first).to_be_visible()
    visit.page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_the_bar_is_as_wide_as_the_terms_are_large(visit: Visit) -> None:
    visit.open(f"/?q=red+dress&user={SHOPPER}&taste=60")
    visit.settled()
    visit.page.locator("#grid .card .why").first.click()
    drawer = visit.page.get_by_role("dialog")
    expect(drawer.locator(".piece").first).to_be_visible()
    terms = [float(row.get_attribute("data-value") or "") for row in drawer.locator(".term").all()]
    widths = [
        box["width"] for piece in drawer.locator(".piece").all() if (box := piece.bounding_box())
    ]
    assert widths[0] / sum(widths) == pytest.approx(terms[0] / sum(terms), abs=0.03)


def test_a_shopper_changes_the_order_and_the_slider_how_much(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    stranger = visit.ids()
    visit.page.get_by_label("Shopping as").select_option(SHOPPER)
    slider = visit.page.get_by_label("Personal taste")
    expect(slider).to_be_enabled()
    slider.focus()
    visit.page.keyboard.press("End")
    expect(visit.page).to_have_url(re.compile("taste=100"))
    visit.settled()
    first = visit.page.locator("#grid .card").first
    liked = [name for name in stranger if visit.house.products[name].colour == LIKED]
    expect(first).to_have_attribute("data-id", liked[0])
    assert sorted(visit.ids()) == sorted(stranger)
    expect(visit.page.locator(".moved.up").first).to_be_visible()
    visit.page.keyboard.press("Home")
    expect(visit.page).to_have_url(re.compile("taste=0"))
    expect(first).to_have_attribute("data-id", stranger[0])
    visit.settled()
    assert visit.ids() == stranger


def test_more_like_this_searches_by_the_product(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    card = visit.page.locator("#grid .card").nth(2)
    example = card.get_attribute("data-id")
    card.get_by_role("button", name="More like").click()
    expect(visit.page).to_have_url(re.compile(f"like={example}"))
    visit.settled()
    expect(visit.page.get_by_text("Like this", exact=True)).to_be_visible()
    assert example not in visit.ids()
    assert len(visit.ids()) > 3


def test_show_more_keeps_the_order_and_adds_to_it(visit: Visit) -> None:
    visit.open("/?like=p-000001")
    visit.settled()
    first = visit.ids()
    assert len(first) == 24
    visit.page.get_by_role("button", name="Show more").click()
    expect(visit.page.locator("#grid .card")).to_have_count(48)
    assert visit.ids()[:24] == first


def test_an_idea_of_the_first_sight_is_a_search(visit: Visit) -> None:
    visit.open()
    visit.page.get_by_role("button", name="striped t-shirt").click()
    expect(visit.page).to_have_url(re.compile(r"q=striped\+t-shirt"))
    visit.settled()
    expect(visit.page.get_by_text("What are you looking for?")).to_be_hidden()


def test_nothing_found_is_said(visit: Visit) -> None:
    visit.open("/?q=zzzz")
    expect(visit.page.get_by_role("heading", name="Nothing found")).to_be_visible()
    assert visit.ids() == []


def test_a_search_with_a_stage_missing_says_so(visit: Visit) -> None:
    visit.house.text.error = Unavailable("the stage does not answer")
    visit.open("/?q=dress&like=p-000001")
    expect(visit.page.get_by_text("The word search does not answer")).to_be_visible()
    visit.settled()
    assert visit.ids()


def test_an_error_is_told_in_words_with_another_try(browser: Browser, house: PageHouse) -> None:
    context = browser.new_context()
    visitor = Visit(context, house)
    house.text.error = house.image.error = Unavailable("the stage does not answer")
    try:
        visitor.open("/?q=coat")  # words that no test asked before: their vector is not kept yet
        expect(visitor.page.get_by_role("heading", name="Unavailable")).to_be_visible()
    finally:
        house.text.error = house.image.error = None
    visitor.page.get_by_role("button", name="Try again").click()
    expect(visitor.page.locator("#grid .card").first).to_be_visible()
    expect(visitor.page.get_by_role("heading", name="Unavailable")).to_be_hidden()
    context.close()


def test_markup_in_words_stays_words(visit: Visit) -> None:
    visit.open("/?q=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E+dress")
    visit.settled()
    assert visit.page.title().startswith("<img src=x")
    assert visit.page.locator("img[src='x']").count() == 0


def test_the_keyboard_reaches_search_and_reasons(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    visit.page.keyboard.press("/")
    expect(visit.page.get_by_role("searchbox")).to_be_focused()
    visit.page.locator("#grid .card .name").first.focus()
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_role("dialog")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Close")).to_be_focused()


def test_a_phone_shows_two_cards_a_row_and_nothing_overflows(
    browser: Browser, house: PageHouse
) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 740}, has_touch=True)
    phone = Visit(context, house)
    phone.open("/?q=dress")
    phone.settled()
    boxes = [card.bounding_box() for card in phone.page.locator("#grid .card").all()[:3]]
    tops = [box["y"] for box in boxes if box]
    assert tops[0] == tops[1] < tops[2]
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 375
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(
    browser: Browser, house: PageHouse, scheme: str, tmp_path: Path
) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    visitor = Visit(context, house)
    visitor.open(f"/?q=dress&user={SHOPPER}")
    visitor.settled()
    ratios = visitor.page.evaluate(
        _CONTRAST, [".brand", ".price", ".name", ".acts .link", "#status", ".mark"]
    )
    assert min(ratios.values()) >= 4.5, ratios
    context.close()


# The contrast of WCAG 2.1 between an element's ink and the ground of the page.
_CONTRAST = """(selectors) => {
    const channels = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = (colour) => {
        const [r, g, b] = channels(colour).map((part) => {
            const unit = part / 255;
            return unit <= 0.03928 ? unit / 12.92 : ((unit + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = light(getComputedStyle(document.body).backgroundColor);
    return Object.fromEntries(selectors.map((selector) => {
        const ink = light(getComputedStyle(document.querySelector(selector)).color);
        const [low, high] = [Math.min(ink, ground), Math.max(ink, ground)];
        return [selector, (high + 0.05) / (low + 0.05)];
    }));
}"""
