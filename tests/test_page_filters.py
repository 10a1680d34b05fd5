"""The page filters by what it counted, and takes every filter off again."""

import re

from playwright.sync_api import Browser, expect

from catalog.product_filter import values_of
from tests.page_house import PageHouse
from tests.page_visit import Visit, needs_browser

pytestmark = needs_browser


def test_a_click_on_a_filter_shows_as_many_as_it_counted(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    whole = visit.total()
    for field in ("colour", "brand", "size", "gender"):
        counts = visit.facet(field)
        assert counts, field
        key, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
        visit.tick(key)
        assert visit.total() == count <= whole
        value = key.removeprefix(f"{field}:")
        assert all(value in values_of(product, field) for product in visit.shown())
        assert visit.facet(field)[key] == count
        visit.tick(key)
        assert visit.total() == whole


def test_several_values_of_one_filter_admit_either(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    counts = visit.facet("colour")
    one, two = list(counts)[:2]
    visit.tick(one)
    visit.tick(two)
    assert max(counts[one], counts[two]) <= visit.total() <= counts[one] + counts[two]
    colours = {one.removeprefix("colour:"), two.removeprefix("colour:")}
    assert {product.colour for product in visit.shown()} == colours
    assert visit.facet("colour") == counts, "the others can still be added"
    expect(visit.page.locator("[data-field=colour] .picked")).to_have_text("2")
    both = visit.total()
    size, count = next(iter(visit.facet("size").items()))
    visit.tick(size)
    assert visit.total() == count <= both
    assert {product.colour for product in visit.shown()} <= colours


def test_a_second_press_does_not_undo_the_first(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    one, two = list(visit.facet("colour"))[:2]
    presses = "keys => keys.forEach(key => document.querySelector(`[data-key='${key}']`).click())"
    visit.page.evaluate(presses, [one, two])  # both before any answer
    visit.settled()
    for key in (one, two):
        expect(visit.page.locator(f'[data-key="{key}"]')).to_be_checked()
    expect(visit.page.locator("#chips .filter-chip")).to_have_count(2)
    visit.page.go_back()
    expect(visit.page.locator("#chips .filter-chip")).to_have_count(1)


def test_what_is_in_stock_can_be_asked_for(visit: Visit) -> None:
    visit.open()
    visit.settled()
    count = int(visit.page.locator("#stock-count").inner_text())
    assert 0 < count < visit.total()
    visit.page.get_by_label("In stock only").check()
    visit.settled()
    assert visit.total() == count
    assert all(product.in_stock for product in visit.shown())
    expect(visit.page).to_have_url(re.compile("stock=1"))


def test_a_range_of_prices_is_chosen_by_its_line_or_typed(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    ranges = visit.facet("price_minor")
    assert len(ranges) > 1
    key, count = list(ranges.items())[1]
    low, high = (int(end) for end in key.removeprefix("price:").split("-"))
    visit.tick(key)
    assert visit.total() == count
    assert all(low <= (product.price_minor or 0) < high for product in visit.shown())
    assert visit.facet("price_minor") == ranges
    expect(visit.page.get_by_label("Lowest price")).to_have_value(str(low // 100))
    dearest = visit.page.get_by_label("Highest price")
    exact = max(product.price_minor or 0 for product in visit.shown())
    dearest.fill(f"{exact / 100:.2f}")
    dearest.press("Enter")
    expect(visit.page).to_have_url(re.compile(rf"price={low}-{exact + 1}$"))
    visit.settled()
    assert max(product.price_minor or 0 for product in visit.shown()) == exact
    dearest.fill("")
    dearest.press("Enter")
    expect(visit.page).to_have_url(re.compile(rf"price={low}-$"))
    visit.settled()
    assert min(product.price_minor or 0 for product in visit.shown()) >= low
    expect(visit.page.get_by_role("button", name="Remove Price:")).to_contain_text("and over")


def test_chips_show_the_filters_in_force_and_take_them_off(visit: Visit) -> None:
    visit.open("/?q=dress&colour=green&colour=sky&stock=1&price=2000-20000")
    visit.settled()
    chips = visit.page.locator("#chips .filter-chip")
    expect(chips).to_have_text(
        [re.compile(name) for name in ("Green", "Sky", "In stock", "€20 – €200")]
    )
    visit.page.get_by_role("button", name="Remove Colour: Green").click()
    visit.settled()
    expect(chips).to_have_count(3)
    expect(visit.page).to_have_url(re.compile(r"q=dress&colour=sky&stock=1&price=2000-20000$"))
    assert {product.colour for product in visit.shown()} == {"sky"}
    visit.page.get_by_role("button", name="Clear all").click()
    visit.settled()
    expect(visit.page.locator("#chips")).to_be_hidden()
    expect(visit.page).to_have_url(re.compile(r"\?q=dress$"))
    assert len({product.colour for product in visit.shown()}) > 1


def test_filters_that_nothing_fits_can_be_dropped_one_by_one(visit: Visit) -> None:
    visit.open("/?q=dress&colour=green&price=-100")
    expect(visit.page.get_by_role("heading", name="Nothing fits all of this")).to_be_visible()
    ways = visit.page.locator("#message .filter-chip")
    expect(ways).to_have_count(2)
    ways.filter(has_text="Under").click()
    visit.settled()
    expect(visit.page.locator("#message")).to_be_hidden()
    assert {product.colour for product in visit.shown()} == {"green"}
    visit.page.go_back()
    visit.page.get_by_role("button", name="Drop all filters").click()
    visit.settled()
    expect(visit.page).to_have_url(re.compile(r"\?q=dress$"))
    assert len({product.colour for product in visit.shown()}) > 1


def test_many_values_fold_and_unfold(visit: Visit) -> None:
    visit.open()
    visit.settled()
    brands = {product.brand for product in visit.house.products.values() if product.brand}
    lines = visit.page.locator("[data-field=brand] .value")
    shown = lines.count()
    assert shown < len(brands)
    visit.page.locator("[data-field=brand]").get_by_role("button", name="more").click()
    expect(lines).to_have_count(len(brands))
    expect(visit.page.get_by_role("button", name="Show fewer")).to_be_focused()
    visit.page.get_by_role("button", name="Show fewer").click()
    expect(lines).to_have_count(shown)


def test_sizes_stand_in_the_order_of_bodies_and_not_of_letters(visit: Visit) -> None:
    visit.open("/?q=dress&kind=dress")
    visit.settled()
    sizes = [key.removeprefix("size:") for key in visit.facet("size")]
    assert sizes == [size for size in ("XS", "S", "M", "L", "XL", "XXL") if size in sizes]
    assert len(sizes) > 3


def test_the_keyboard_sets_a_filter_and_stays_on_it(visit: Visit) -> None:
    visit.open("/?q=dress")
    visit.settled()
    box = visit.page.locator("[data-field=colour] input").nth(1)
    key = box.get_attribute("data-key") or ""
    box.focus()
    visit.page.keyboard.press("Space")
    visit.settled()
    again = visit.page.locator(f'[data-key="{key}"]')
    expect(again).to_be_checked()
    expect(again).to_be_focused()
    assert {product.colour for product in visit.shown()} == {key.removeprefix("colour:")}


def test_a_phone_filters_in_a_sheet(browser: Browser, page_house: PageHouse) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    phone = Visit(context, page_house)
    phone.open("/?q=dress")
    phone.settled()
    sheet = phone.page.get_by_role("dialog", name="Filters")
    expect(phone.page.locator("#aside")).to_be_hidden()
    phone.page.get_by_role("button", name="Filters").click()
    expect(sheet).to_be_visible()
    key, count = next(iter(phone.facet("colour").items()))
    phone.tick(key)
    expect(sheet).to_be_visible()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360
    noun = "style" if count == 1 else "styles"
    phone.page.get_by_role("button", name=f"Show {count} {noun}", exact=True).click()
    expect(sheet).to_be_hidden()
    assert phone.total() == count
    expect(phone.page.get_by_role("button", name="Filters")).to_contain_text("1")
    assert {product.colour for product in phone.shown()} == {key.removeprefix("colour:")}
    assert phone.complaints == []
    context.close()


def test_a_wider_window_brings_the_filters_back_beside_the_products(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 700, "height": 900})
    visit.open("/?q=dress")
    visit.settled()
    visit.page.get_by_role("button", name="Filters").click()
    visit.page.set_viewport_size({"width": 1200, "height": 900})
    expect(visit.page.get_by_role("dialog")).to_be_hidden()
    expect(visit.page.locator("#aside [data-field=colour]")).to_be_visible()
