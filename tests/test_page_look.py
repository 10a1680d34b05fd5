"""The page holds still, stands out from its ground, and fits a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.page_house import SHOPPER, PageHouse
from tests.page_visit import Visit, needs_browser

pytestmark = needs_browser


def test_a_phone_shows_two_cards_a_row_and_nothing_overflows(
    browser: Browser, page_house: PageHouse
) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 740}, has_touch=True)
    phone = Visit(context, page_house)
    phone.open("/?q=dress")
    phone.settled()
    boxes = [card.bounding_box() for card in phone.page.locator("#grid .card").all()[:3]]
    tops = [box["y"] for box in boxes if box]
    assert tops[0] == tops[1] < tops[2]
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 375
    context.close()


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("address", ["/", "/?q=dress&colour=green", "/?like=p-000012"])
def test_nothing_moves_when_the_answers_come(
    browser: Browser, page_house: PageHouse, address: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    visitor = Visit(context, page_house)
    visitor.page.add_init_script(_SHIFTS)
    visitor.open(address)
    visitor.settled()
    visitor.page.wait_for_load_state("networkidle")
    assert visitor.page.evaluate("shifts.reduce((sum, one) => sum + one, 0)") < 0.02
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(
    browser: Browser, page_house: PageHouse, scheme: str, tmp_path: Path
) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    visitor = Visit(context, page_house)
    visitor.open(f"/?q=dress&colour=green&user={SHOPPER}")
    visitor.settled()
    ratios = visitor.page.evaluate(
        _CONTRAST,
        [
            *(".brand", ".price", ".name", ".acts .link", "#status", ".mark", "#heading"),
            *(".count-of", ".value .label", "#shown", ".ends", ".filter-chip .cross"),
        ],
    )
    assert min(ratios.values()) >= 4.5, ratios
    context.close()


# Each shift of the layout that no press of the reader brought about (Layout Instability API).
_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""
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
