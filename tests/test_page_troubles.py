"""The page tells in words what went wrong, and offers a way on."""

from playwright.sync_api import Browser, expect

from runtime.errors import Unavailable
from tests.page_house import PageHouse
from tests.page_visit import Visit, needs_browser

pytestmark = needs_browser


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


def test_an_error_is_told_in_words_with_another_try(
    browser: Browser, page_house: PageHouse
) -> None:
    context = browser.new_context()
    visitor = Visit(context, page_house)
    page_house.text.error = page_house.image.error = Unavailable("the stage does not answer")
    try:
        visitor.open("/?q=blazer")  # words that no test asked before: their vector is not kept yet
        expect(visitor.page.get_by_role("heading", name="Unavailable")).to_be_visible()
    finally:
        page_house.mend()
    visitor.page.get_by_role("button", name="Try again").click()
    expect(visitor.page.locator("#grid .card").first).to_be_visible()
    expect(visitor.page.get_by_role("heading", name="Unavailable")).to_be_hidden()
    context.close()


def test_another_try_takes_the_words_in_the_box(browser: Browser, page_house: PageHouse) -> None:
    context = browser.new_context()
    visitor = Visit(context, page_house)
    page_house.text.error = page_house.image.error = Unavailable("the stage does not answer")
    try:
        visitor.open("/?q=cardigan")
        expect(visitor.page.get_by_role("heading", name="Unavailable")).to_be_visible()
    finally:
        page_house.mend()
    visitor.box.fill("dress")
    visitor.page.get_by_role("button", name="Try again").click()
    expect(visitor.page.get_by_role("heading", name="Results for dress")).to_be_visible()
    expect(visitor.page.locator("#grid .card").first).to_be_visible()
    context.close()
