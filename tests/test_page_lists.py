"""The page goes on to the end of a list, and comes back to where the reader was."""

import pytest
from playwright.sync_api import expect

from runtime.errors import Unavailable
from tests.page_visit import Visit, needs_browser

pytestmark = needs_browser


def test_showing_more_reaches_the_total_and_repeats_nothing(visit: Visit) -> None:
    visit.open()
    visit.settled()
    first, total = visit.ids(), visit.total()
    assert len(first) == 24 < total
    expect(visit.page.locator("#shown")).to_have_text(f"24 of {total} styles")
    visit.page.get_by_role("button", name="Show more").focus()
    for count in [*range(48, total, 24), total]:
        visit.show_more(count)
    assert visit.ids()[:24] == first
    assert len(set(visit.ids())) == total
    styles = {product.style_id for product in visit.house.products.values()}
    assert {product.style_id for product in visit.shown()} == styles
    expect(visit.page.get_by_role("button", name="Show more")).to_be_hidden()
    expect(visit.page.locator("#shown")).to_have_text(f"{total} of {total} styles")
    expect(
        visit.page.locator("#grid .card").nth((total - 1) // 24 * 24).locator(".name")
    ).to_be_focused()


def test_the_back_button_brings_the_list_the_filters_and_the_place_back(visit: Visit) -> None:
    visit.open("/?sort=price_desc")
    visit.settled()
    visit.tick("gender:women")
    visit.show_more(min(48, visit.total()))
    shown = visit.ids()
    visit.page.locator("#grid .card").nth(20).scroll_into_view_if_needed()
    place = visit.page.evaluate("scrollY")
    assert place > 0
    asked = visit.searches()
    visit.search("coat")
    expect(visit.page.get_by_role("heading", name="Results for coat")).to_be_visible()
    assert visit.page.evaluate("scrollY") < place
    visit.page.go_back()
    expect(visit.page.locator("#grid .card")).to_have_count(len(shown))
    assert visit.ids() == shown
    assert visit.page.evaluate("scrollY") == place
    assert visit.searches() == asked + 1, "what was found is not asked for again"
    expect(visit.page.locator('[data-key="gender:women"]')).to_be_checked()
    expect(visit.page.get_by_label("Sort by")).to_have_value("price_desc")
    visit.page.go_back()
    expect(visit.page.locator('[data-key="gender:women"]')).not_to_be_checked()
    visit.page.go_forward()
    expect(visit.page.locator("#grid .card")).to_have_count(len(shown))


def test_a_reload_brings_the_list_the_filters_and_the_place_back(visit: Visit) -> None:
    visit.open("/?sort=price_asc")
    visit.settled()
    visit.tick("gender:women")
    count = min(48, visit.total())
    visit.show_more(count)
    shown = visit.ids()
    visit.page.locator("#grid .card").nth(count - 1).scroll_into_view_if_needed()
    place = visit.page.evaluate("scrollY")
    visit.page.reload()
    expect(visit.page.locator("#grid .card:not(.ghost)")).to_have_count(count)
    visit.settled()
    assert visit.ids() == shown
    assert visit.page.evaluate("scrollY") == pytest.approx(place, abs=2)
    expect(visit.page.locator('[data-key="gender:women"]')).to_be_checked()
    expect(visit.page.get_by_label("Sort by")).to_have_value("price_asc")


def test_a_list_that_went_out_of_date_is_found_again_without_a_word(visit: Visit) -> None:
    visit.open()
    visit.settled()
    first = visit.ids()
    visit.house.clock.ahead_s = 3600
    visit.show_more(min(48, visit.total()))
    assert visit.ids()[:24] == first
    assert len(set(visit.ids())) == len(visit.ids())
    expect(visit.page.locator(".notice")).to_have_count(0)
    assert [line for line in visit.complaints if "410" in line]
    visit.complaints.clear()  # the browser's own line about the refused token


def test_a_list_that_was_lost_is_found_again_and_told(visit: Visit) -> None:
    visit.open()
    visit.settled()
    first = visit.ids()
    visit.house.lists.forget()
    visit.show_more(min(48, visit.total()))
    assert visit.ids()[:24] == first
    assert len(set(visit.ids())) == len(visit.ids())
    expect(visit.page.get_by_text("The list was made anew on the way")).to_be_visible()


def test_a_page_that_does_not_come_leaves_those_before_it(visit: Visit) -> None:
    visit.open()
    visit.settled()
    first = visit.ids()
    visit.house.lists.forget()
    visit.house.text.error = visit.house.image.error = Unavailable("the stage does not answer")
    visit.page.get_by_role("button", name="Show more").click()
    expect(visit.page.get_by_text("The next products did not come")).to_be_visible()
    assert visit.ids() == first
    visit.house.mend()
    visit.show_more(min(48, visit.total()))
    expect(visit.page.get_by_text("The next products did not come")).to_be_hidden()
    visit.complaints.clear()  # the browser's own line about the refused page
