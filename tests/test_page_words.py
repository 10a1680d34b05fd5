"""The page suggests words, says how it read them, and lets each reading be refused."""

import json
import re

from playwright.sync_api import Browser, Request, expect

from runtime.errors import Unavailable
from tests.page_house import ASKED, PageHouse
from tests.page_visit import Visit, needs_browser, parts_of

pytestmark = needs_browser


def body_of(search: Request) -> dict[str, object]:
    """The body of a search that the page sent."""
    body: dict[str, object] = json.loads(search.post_data or "")
    return body


def options(visit: Visit) -> list[str]:
    return visit.page.locator("#suggestions [role=option] .said").all_inner_texts()


def typed(visit: Visit, words: str) -> None:
    """Types words, and waits until something is suggested."""
    visit.box.press_sequentially(words)
    expect(visit.page.get_by_role("listbox")).to_be_visible()


def test_suggestions_come_while_typing_and_a_press_searches_one(visit: Visit) -> None:
    visit.open()
    visit.settled()
    typed(visit, "gre")
    expect(visit.box).to_have_attribute("aria-expanded", "true")
    assert options(visit)[0] == ASKED[0] == "green dress"
    assert ASKED[1] in options(visit), "markup stays words"
    visit.page.get_by_role("option", name="grey shirt").click()
    visit.settled()
    expect(visit.box).to_have_value("grey shirt")
    expect(visit.page).to_have_url(re.compile(r"\?q=grey\+shirt$"))
    expect(visit.page.get_by_role("listbox")).to_be_hidden()


def test_the_keyboard_goes_through_the_suggestions_and_back_to_the_box(visit: Visit) -> None:
    visit.open()
    visit.settled()
    typed(visit, "gre")
    count = len(options(visit))
    assert count >= len(ASKED) - 1
    for place in range(count):
        visit.page.keyboard.press("ArrowDown")
        expect(visit.box).to_have_attribute("aria-activedescendant", f"suggestion-{place}")
        expect(visit.page.locator("[aria-selected=true]")).to_have_id(f"suggestion-{place}")
    visit.page.keyboard.press("ArrowDown")
    expect(visit.box).not_to_have_attribute("aria-activedescendant", re.compile("."))
    visit.page.keyboard.press("ArrowUp")
    expect(visit.box).to_have_attribute("aria-activedescendant", f"suggestion-{count - 1}")
    visit.page.keyboard.press("Escape")
    expect(visit.page.get_by_role("listbox")).to_be_hidden()
    expect(visit.box).to_have_value("gre")
    visit.page.keyboard.press("ArrowDown")
    expect(visit.page.get_by_role("listbox")).to_be_visible()
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("Enter")
    visit.settled()
    expect(visit.box).to_have_value("green dress")


def test_enter_searches_what_was_typed_where_nothing_was_picked(visit: Visit) -> None:
    visit.open()
    visit.settled()
    typed(visit, "gre")
    visit.page.keyboard.press("Enter")
    visit.settled()
    expect(visit.page).to_have_url(re.compile(r"\?q=gre$"))
    expect(visit.page.get_by_role("listbox")).to_be_hidden()


def test_a_search_goes_on_where_nothing_can_be_suggested(visit: Visit) -> None:
    visit.open()
    visit.settled()
    visit.house.text.error = Unavailable("the stage does not answer")
    visit.box.press_sequentially("여름")
    expect(visit.page.get_by_role("option", name="여름 원피스")).to_be_visible()
    visit.house.mend()
    visit.search("dress")
    assert visit.ids()


def test_what_was_understood_is_shown_and_refused_one_by_one(visit: Visit) -> None:
    visit.open()
    visit.search("navy dress under 80")
    chips = visit.page.locator("#understood .filter-chip")
    names = ["Price: Under €80", "Colour: Navy", "Type: Dress"]
    for name in names:
        expect(chips.filter(has_text=name)).to_have_count(1)
    for product in visit.shown():
        assert product.price_minor is not None
        assert product.price_minor <= 8000
    with visit.page.expect_request(lambda request: request.url.endswith("/v1/search")) as sent:
        visit.page.get_by_role("button", name="as Colour: Navy").click()
    assert body_of(sent.value)["understand"] == {"ignore": ["colour:navy"]}
    visit.settled()
    expect(chips.filter(has_text="Navy")).to_have_count(0)
    expect(chips.filter(has_text="Type: Dress")).to_have_count(1)
    expect(visit.page).to_have_url(re.compile("ignore=colour%3Anavy"))
    visit.page.get_by_role("button", name="as Price: Under €80").click()
    expect(chips.filter(has_text="Price")).to_have_count(0)
    visit.settled()
    visit.page.get_by_role("button", name="Read all words again").click()
    expect(chips.filter(has_text="Colour: Navy")).to_have_count(1)
    visit.page.go_back()
    expect(chips.filter(has_text="Colour: Navy")).to_have_count(0)


def test_what_was_refused_of_some_words_is_not_refused_of_others(visit: Visit) -> None:
    visit.open("/?q=navy+dress&ignore=colour%3Anavy")
    visit.settled()
    expect(visit.page.get_by_role("button", name="Read all words again")).to_be_visible()
    visit.search("navy skirt")
    expect(visit.page.locator("#understood .filter-chip").filter(has_text="Navy")).to_have_count(1)
    expect(visit.page).to_have_url(re.compile(r"\?q=navy\+skirt$"))


def test_what_was_mended_is_shown_with_a_way_back(visit: Visit) -> None:
    visit.open()
    visit.search("green drses")
    meant = visit.page.locator("#meant")
    expect(meant).to_have_text("Showing results for green dress. Search instead for green drses")
    expect(visit.page.locator("#understood .filter-chip").first).to_have_text("drses → dress×")
    with visit.page.expect_request(lambda request: request.url.endswith("/v1/search")) as sent:
        meant.get_by_role("button", name="green drses").click()
    assert body_of(sent.value)["understand"] == {"ignore": ["spelling"]}
    visit.settled()
    expect(visit.box).to_have_value("green drses")
    expect(visit.page.get_by_text("Showing results for green dress.")).to_be_hidden()


def test_a_price_has_its_currency_though_nothing_was_found(visit: Visit) -> None:
    visit.open("/?q=dress+under+1")
    chips = visit.page.locator("#understood .filter-chip")
    expect(chips.filter(has_text="Price: Under €1")).to_have_count(1)


def test_what_was_read_and_not_used_is_said(visit: Visit) -> None:
    visit.open()
    visit.search("dress under $50")
    chips = visit.page.locator("#understood .filter-chip")
    expect(chips.filter(has_text="“under $50” left out: prices are in EUR")).to_have_count(1)
    expect(visit.page.get_by_role("button", name="under $50")).to_have_count(0)


def test_words_are_left_out_and_taken_in_again(visit: Visit) -> None:
    visit.open()
    visit.search("dress")
    before = visit.ids()
    assert "green" in {product.colour for product in visit.shown()}
    with visit.page.expect_request(lambda request: request.url.endswith("/v1/search")) as sent:
        visit.page.get_by_label("Leave out", exact=True).fill("green")
        visit.page.keyboard.press("Enter")
    assert body_of(sent.value)["exclude"] == ["green"]
    visit.settled()
    expect(visit.page.get_by_label("Leave out", exact=True)).to_have_value("")
    assert visit.ids()
    assert "green" not in {product.colour for product in visit.shown()}
    expect(visit.page).to_have_url(re.compile("without=green"))
    visit.page.get_by_role("button", name="Remove Leave out: Without green").click()
    expect(visit.page).to_have_url(re.compile(r"\?q=dress$"))
    expect(visit.page.locator("#grid .card").first).to_have_attribute("data-id", before[0])


def test_what_is_left_out_reads_like_a_sentence(visit: Visit) -> None:
    visit.open()
    visit.search("dress without sleeves not black -zzzz")
    chips = visit.page.locator("#understood .filter-chip")
    for name in ("Without sleeves", "Without black", "Nothing here is “zzzz”"):
        expect(chips.filter(has_text=name)).to_have_count(1)
    visit.page.get_by_role("button", name="as Without sleeves").click()
    expect(chips.filter(has_text="Without sleeves")).to_have_count(0)
    expect(chips.filter(has_text="Without black")).to_have_count(1)
    expect(visit.page).to_have_url(re.compile("ignore=sleeve%3Asleeves"))


def test_the_background_of_a_photo_is_left_out_where_it_is_asked_for(visit: Visit) -> None:
    visit.open()
    toggle = visit.page.get_by_label("Leave out the background of the photo")
    expect(toggle).to_be_hidden()
    visit.choose_photo(visit.house.photo(next(iter(visit.house.products))))
    visit.settled()
    with visit.page.expect_request(lambda request: request.url.endswith("/v1/search")) as sent:
        toggle.check()
    assert parts_of(sent.value)[0]["remove_background"] is True
    visit.settled()
    visit.page.reload()
    visit.settled()
    expect(toggle).to_be_checked()
    with visit.page.expect_request(lambda request: request.url.endswith("/v1/search")) as sent:
        toggle.uncheck()
    assert "remove_background" not in parts_of(sent.value)[0]
    visit.settled()


def test_a_phone_suggests_below_the_box_and_shows_what_was_read(
    browser: Browser, page_house: PageHouse
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 780}, has_touch=True, color_scheme="dark"
    )
    phone = Visit(context, page_house)
    phone.open("/?q=navy+dress+under+80+without+sleeves")
    phone.settled()
    expect(phone.page.locator("#understood .filter-chip").first).to_be_visible()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    phone.box.fill("")
    typed(phone, "gre")
    option = phone.page.get_by_role("option").first.bounding_box()
    field = phone.page.locator(".field").bounding_box()
    assert option is not None
    assert field is not None
    assert option["y"] >= field["y"] + field["height"]
    assert option["height"] >= 40, "a finger needs room"
    phone.page.get_by_role("option").first.tap()
    phone.settled()
    expect(phone.box).to_have_value("green dress")
    context.close()
