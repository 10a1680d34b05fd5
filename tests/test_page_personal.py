"""On the page of a whole house, what a shopper says changes what comes next, until it is erased."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.page_visit import PATIENCE_MS, needs_browser
from tests.running import Json, Running

pytestmark = needs_browser

SHOPPER = "u-0005"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale="en-GB", reduced_motion="reduce")
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, running: Running) -> Iterator[Page]:
    opened = context.new_page()
    opened.goto(running.rest_url)
    yield opened
    visitor = opened.evaluate("localStorage.getItem('hemline.visitor')")
    if visitor:  # the next test meets the shop as this one did
        opened.request.delete(f"{running.rest_url}/v1/users/{visitor}")


def settled(page: Page) -> None:
    expect(page.locator("#grid")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#status")).not_to_have_text("Searching …")


def order(page: Page) -> list[str]:
    settled(page)
    return [card.get_attribute("data-id") or "" for card in page.locator("#grid > .card").all()]


def verdict(page: Page, product_id: str, kind: str) -> Locator:
    return page.locator(f"#grid > [data-id='{product_id}'] .verdict.{kind}")


def told(page: Page) -> list[str]:
    """What the shop remembers, newest first, as the page tells it."""
    page.get_by_role("button", name="What the shop remembers").click()
    expect(page.locator("#drawer .history, #drawer .muted.prose")).to_be_visible()
    kinds = [line.get_attribute("data-kind") or "" for line in page.locator(".history li").all()]
    page.keyboard.press("Escape")
    return kinds


def test_a_stranger_is_offered_what_is_popular(page: Page, running: Running) -> None:
    page.goto(running.rest_url)
    row = page.get_by_role("list", name="Popular now")
    expect(row.locator(".card")).to_have_count(12)
    expect(page.locator("#share")).to_be_disabled()
    assert told(page) == []


def test_a_shopper_is_offered_an_own_row_with_reasons(page: Page, running: Running) -> None:
    page.goto(f"{running.rest_url}/?user={SHOPPER}")
    row = page.get_by_role("list", name="For you")
    expect(row.locator(".card").first).to_be_visible()
    expect(row.locator(".because").first).to_have_text(
        re.compile("Because of|Goes with|Often bought|To your taste|New in|Popular now")
    )
    row.locator(".name").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("Why it is no. 1")).to_be_visible()
    terms = [
        float(each.get_attribute("data-value") or "") for each in drawer.locator(".term").all()
    ]
    assert sum(terms) == pytest.approx(
        float(drawer.locator(".sum").get_attribute("data-score") or ""), abs=1e-6
    )


def test_a_like_moves_what_the_visitor_sees_next_and_can_be_erased(
    page: Page, running: Running
) -> None:
    page.goto(f"{running.rest_url}/?q=shirt&taste=80")
    before = order(page)
    last = before[-1]
    verdict(page, last, "like").click()
    expect(verdict(page, last, "like")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#share")).to_be_enabled()
    expect(page.locator(f"#grid > [data-id='{last}'] .moved.up")).to_be_visible()
    after = order(page)
    assert after.index(last) < before.index(last)
    assert told(page) == ["like"]
    page.reload()  # the shop knows, not the page alone
    assert order(page) == after

    page.get_by_role("button", name="What the shop remembers").click()
    page.get_by_role("button", name="Erase everything").click()
    page.get_by_role("button", name="Really erase").click()
    expect(page.get_by_text("1 events were erased")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#share")).to_be_disabled()
    assert order(page) == before
    assert told(page) == []


def test_what_is_not_for_me_fades_and_is_recommended_no_more(page: Page, running: Running) -> None:
    page.goto(running.rest_url)
    row = page.get_by_role("list", name="Popular now")
    expect(row.locator(".card:not(.ghost)").first).to_be_visible()
    unwanted = row.locator(".card").first.get_attribute("data-id")
    row.locator(".verdict.dislike").first.click()
    expect(row.locator(f"[data-id='{unwanted}']")).to_have_count(0)
    assert told(page) == ["dislike"]

    page.goto(f"{running.rest_url}/?q=shirt")
    first = order(page)[0]
    card = page.locator(f"#grid > [data-id='{first}']")
    brightness = "(card) => Number(getComputedStyle(card.querySelector('.photo')).opacity)"
    assert card.evaluate(brightness) == 1
    verdict(page, first, "dislike").click()
    settled(page)
    assert card.evaluate(brightness) < 1
    assert told(page) == ["dislike", "dislike"]


def with_company(running: Running) -> tuple[Json, list[Json]]:
    """A product, and what is bought together with it."""
    for hit in running.search(text="shirt", page_size=100)["hits"]:
        product = hit["product"]
        path = f"/v1/products/{product['id']}/similar?by=bought_together&page_size=6"
        if beside := running.get(path).json()["hits"]:
            return product, beside
    pytest.fail("nothing is bought together with any shirt")


def test_the_drawer_shows_what_is_bought_together(page: Page, running: Running) -> None:
    product, beside = with_company(running)
    title = product["title"]
    page.goto(f"{running.rest_url}/?q={title}")
    settled(page)
    page.locator("#grid").get_by_role("button", name=title, exact=True).first.click()
    shown = page.locator("#drawer .beside .card")
    expect(shown).to_have_count(len(beside))
    assert [card.get_attribute("data-id") for card in shown.all()] == [
        hit["product"]["id"] for hit in beside
    ]
