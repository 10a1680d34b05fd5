"""The page shows each product as it is, and says why it stands there."""

import re

import pytest
from playwright.sync_api import expect

from tests.page_house import SHOPPER
from tests.page_visit import Visit, needs_browser

pytestmark = needs_browser


def test_the_drawer_says_why_in_terms_that_add_up(visit: Visit) -> None:
    visit.open(f"/?q=green+dress&user={SHOPPER}&taste=60")
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
    visit.open(f"/?q=green+dress&user={SHOPPER}&taste=60")
    visit.settled()
    visit.page.locator("#grid .card .why").first.click()
    drawer = visit.page.get_by_role("dialog")
    expect(drawer.locator(".piece").first).to_be_visible()
    terms = [float(row.get_attribute("data-value") or "") for row in drawer.locator(".term").all()]
    widths = [
        box["width"] for piece in drawer.locator(".piece").all() if (box := piece.bounding_box())
    ]
    assert widths[0] / sum(widths) == pytest.approx(terms[0] / sum(terms), abs=0.03)


def test_a_swatch_shows_the_product_in_its_colour(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    card = visit.page.locator("#grid .card:has(.swatch[data-product])").first
    swatches = card.locator(".swatch")
    first, second = (
        visit.house.products[swatches.nth(place).get_attribute("data-product") or ""]
        for place in (0, 1)
    )
    assert first.style_id == second.style_id
    expect(card.get_by_role("button", name=first.title, exact=True)).to_be_visible()
    card.get_by_role("button", name=second.colour.capitalize(), exact=True).click()
    expect(card.get_by_role("button", name=second.title, exact=True)).to_be_visible()
    assert second.price_minor is not None
    expect(card.locator(".price")).to_contain_text(f"€{second.price_minor / 100:.2f}")
    expect(card.locator("img")).to_have_attribute("src", re.compile(second.images[0]))
    expect(swatches.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(swatches.nth(0)).to_have_attribute("aria-pressed", "false")
    expect(swatches.nth(1)).to_be_focused()
    card.get_by_role("button", name=second.title, exact=True).click()
    expect(visit.page.get_by_role("dialog").get_by_text(second.id)).to_be_visible()
    visit.page.keyboard.press("Escape")
    card.get_by_role("button", name="More like").click()
    expect(visit.page).to_have_url(re.compile(f"like={second.id}"))


def test_a_product_of_a_shop_links_to_it_and_to_nothing_else(visit: Visit) -> None:
    linked, risky = visit.house.linked, visit.house.risky
    visit.open("/?sort=newest")
    visit.settled()
    cards = visit.page.locator("#grid .card")
    link = cards.and_(visit.page.locator(f"[data-id={linked.id}]")).get_by_role("link")
    expect(link).to_have_attribute("href", linked.product_url)
    expect(
        cards.and_(visit.page.locator(f"[data-id={risky.id}]")).get_by_role("link")
    ).to_have_count(0)


def test_the_keyboard_reaches_search_and_reasons(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    visit.page.keyboard.press("/")
    expect(visit.box).to_be_focused()
    visit.page.locator("#grid .card .name").first.focus()
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_role("dialog")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Close")).to_be_focused()
