"""The page searches by words, photos and examples, and leaves what is being typed."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.page_house import LIKED, SHOPPER, PageHouse
from tests.page_visit import Visit, needs_browser, parts_of

pytestmark = needs_browser


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
    assert visit.total() == len({product.style_id for product in visit.shown()})


def test_a_search_can_be_shared_by_its_address_and_gone_back_to(visit: Visit) -> None:
    visit.open(f"/?q=dress&user={SHOPPER}&taste=80")
    visit.settled()
    expect(visit.box).to_have_value("dress")
    expect(visit.page.get_by_label("Shopping as")).to_have_value(SHOPPER)
    expect(visit.page.locator("#share-value")).to_have_text("80 %")
    shared = visit.ids()
    visit.search("shoes")
    assert visit.page.url.endswith(f"/?q=shoes&user={SHOPPER}&taste=80")
    visit.page.go_back()
    expect(visit.page.locator("#grid .card").first).to_have_attribute("data-id", shared[0])
    assert visit.ids() == shared


@pytest.mark.parametrize("act", ["photo", "shopper", "facet", "sort", "stock", "drop", "slider"])
def test_every_action_searches_the_words_in_the_box(visit: Visit, act: str) -> None:
    visit.open(f"/?q=dress&user={SHOPPER}&colour=green")
    visit.settled()
    box = visit.box
    box.fill("blue shirt")
    box.blur()  # Whoever goes on with something else has left the suggestions.
    expect(visit.page.get_by_role("listbox", name="Suggestions")).to_be_hidden()
    with visit.page.expect_request(lambda request: request.url.endswith("/v1/search")) as sent:
        match act:
            case "photo":
                visit.choose_photo(visit.house.photo(next(iter(visit.house.products))))
            case "shopper":
                visit.page.get_by_label("Shopping as").select_option("")
            case "facet":
                visit.page.locator("[data-field=colour] input").nth(1).click()
            case "sort":
                visit.page.get_by_label("Sort by").select_option("Newest")
            case "stock":
                visit.page.get_by_label("In stock only").check()
            case "drop":
                visit.page.get_by_role("button", name="Remove Colour: Green").click()
            case "slider":
                visit.page.get_by_label("Personal taste").press("End")
    assert parts_of(sent.value)[0] == {"text": "blue shirt"}
    visit.settled()
    expect(box).to_have_value("blue shirt")
    expect(visit.page).to_have_url(re.compile(r"\?q=blue\+shirt"))
    visit.page.go_back()
    expect(box).to_have_value("dress")


def test_words_that_were_cleared_do_not_come_back(visit: Visit) -> None:
    visit.open()
    visit.search("zzzz")
    expect(visit.page.get_by_role("heading", name="Nothing found")).to_be_visible()
    box = visit.box
    box.fill("")
    product = next(iter(visit.house.products))
    with visit.page.expect_request(lambda request: request.url.endswith("/v1/search")) as sent:
        visit.choose_photo(visit.house.photo(product))
    assert [list(part) for part in parts_of(sent.value)] == [["image"]]
    expect(visit.page.locator("#grid .card").first).to_have_attribute("data-id", product)
    expect(box).to_have_value("")


def test_an_answer_leaves_what_is_being_typed(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    box = visit.box
    box.fill("dress ")  # as somebody who goes on typing
    visit.page.get_by_label("Sort by").select_option("Newest")
    visit.settled()
    expect(box).to_have_value("dress ")
    visit.open()
    visit.settled()
    box.fill("dress in gr")
    visit.show_more(min(48, visit.total()))
    expect(box).to_have_value("dress in gr")


def test_words_typed_before_the_page_is_ready_stay(visit: Visit) -> None:
    def held(route: Route) -> None:
        visit.box.fill("red")
        route.continue_()

    visit.page.route("**/web/app.js", held)
    visit.open("/?q=dress")
    visit.settled()
    expect(visit.box).to_have_value("red")


def test_the_order_can_be_chosen(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    best = visit.ids()
    order = visit.page.get_by_label("Sort by")
    order.select_option("Price, low to high")
    visit.settled()
    prices = [product.price_minor or 0 for product in visit.shown()]
    assert prices == sorted(prices)
    order.select_option("Price, high to low")
    visit.settled()
    prices = [product.price_minor or 0 for product in visit.shown()]
    assert prices == sorted(prices, reverse=True)
    visit.page.locator("#grid .card .why").first.click()
    expect(visit.page.get_by_text("ordered by price, not by this score")).to_be_visible()
    visit.page.keyboard.press("Escape")
    order.select_option("Newest")
    visit.settled()
    added = [product.added_seq for product in visit.shown()]
    assert added == sorted(added, reverse=True)
    assert len(set(added)) > 1
    order.select_option("Best match")
    visit.settled()
    assert visit.ids() == best


def test_the_first_sight_shows_the_newest(visit: Visit) -> None:
    visit.open()
    visit.settled()
    expect(visit.page.get_by_role("heading", name="New in")).to_be_visible()
    newest = max(visit.house.products.values(), key=lambda product: product.added_seq)
    assert visit.ids()[0] == newest.id
    assert visit.total() == len({each.style_id for each in visit.house.products.values()})
    visit.tick("gender:men")
    expect(visit.page.get_by_text("What are you looking for?")).to_be_hidden()
    assert {product.gender for product in visit.shown()} == {"men"}


def test_an_idea_of_the_first_sight_is_a_search(visit: Visit) -> None:
    visit.open()
    visit.page.get_by_role("button", name="striped t-shirt").click()
    expect(visit.page).to_have_url(re.compile(r"q=striped\+t-shirt"))
    visit.settled()
    expect(visit.page.get_by_text("What are you looking for?")).to_be_hidden()


def test_a_shopper_changes_the_order_and_the_slider_how_much(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    stranger = visit.ids()
    styles = {product.style_id for product in visit.shown()}
    visit.page.get_by_label("Shopping as").select_option(SHOPPER)
    slider = visit.page.get_by_label("Personal taste")
    expect(slider).to_be_enabled()
    slider.focus()
    visit.page.keyboard.press("End")
    expect(visit.page).to_have_url(re.compile("taste=100"))
    visit.settled()
    colours = [product.colour for product in visit.shown()]
    liked = colours.count(LIKED)
    assert liked > 1
    assert colours[:liked] == [LIKED] * liked
    assert {product.style_id for product in visit.shown()} == styles
    expect(visit.page.locator(".moved.up").first).to_be_visible()
    visit.page.keyboard.press("Home")
    expect(visit.page).to_have_url(re.compile("taste=0"))
    expect(visit.page.locator("#grid .card").first).to_have_attribute("data-id", stranger[0])
    visit.settled()
    assert visit.ids() == stranger


def test_a_shop_with_keys_lets_its_page_search_but_not_as_somebody(
    browser: Browser, page_house: PageHouse, tmp_path: Path
) -> None:
    with page_house.with_keys(tmp_path) as guarded:
        context = browser.new_context()
        visitor = Visit(context, guarded)
        visitor.open(f"/?q=dress&user={SHOPPER}")
        visitor.settled()
        assert visitor.ids(), "it searches as nobody"
        expect(visitor.page).to_have_url(re.compile(r"\?q=dress$"))
        expect(visitor.page.get_by_label("Shopping as")).to_be_hidden()
        photo = page_house.photo(next(iter(page_house.products)))
        visitor.page.locator("#file").set_input_files(
            {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photo}
        )
        expect(visitor.page.get_by_alt_text("Your photo")).to_be_visible()
        visitor.settled()
        assert visitor.ids()
        context.clear_cookies()  # the session is over
        visitor.page.get_by_role("button", name="Remove the photo").click()
        visitor.search("coat")
        assert visitor.ids(), "it takes a new one by itself"
        assert context.cookies()
        context.close()


def test_markup_in_words_and_filters_stays_words(visit: Visit) -> None:
    markup = "%3Cimg+src%3Dx+onerror%3Dalert(1)%3E"
    visit.open(f"/?q={markup}+dress&brand={markup}")
    visit.settled()
    assert visit.page.title().startswith("<img src=x")
    expect(visit.page.locator("#chips .filter-chip")).to_contain_text("<img src=x")
    assert visit.page.locator("img[src='x']").count() == 0
