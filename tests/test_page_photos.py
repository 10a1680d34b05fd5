"""The page takes photos and examples in every way they come."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.page_house import PageHouse
from tests.page_visit import Visit, needs_browser

pytestmark = needs_browser


def test_a_chosen_photo_is_searched_previewed_removed_and_gone_back_to(visit: Visit) -> None:
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
    visit.page.go_back()
    expect(visit.page.get_by_alt_text("Your photo")).to_be_visible()
    expect(visit.page.locator("#grid .card").first).to_have_attribute("data-id", product)
    visit.page.reload()
    expect(visit.page.get_by_alt_text("Your photo")).to_be_visible()
    expect(visit.page.locator("#grid .card").first).to_have_attribute("data-id", product)


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


def test_a_damaged_photo_is_told_in_words_without_a_try_that_can_only_fail(
    browser: Browser, page_house: PageHouse
) -> None:
    context = browser.new_context()
    visitor = Visit(context, page_house)
    visitor.open("/?q=dress")
    visitor.settled()
    visitor.choose_photo(page_house.photo(next(iter(page_house.products)))[:300])
    page = visitor.page
    expect(page.get_by_role("heading", name="This photo cannot be read")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    mark = "chip => getComputedStyle(chip, '::before').content"
    assert "?" in page.locator("#photo-chip.unread").evaluate(mark)
    expect(page.locator("#photo-preview")).to_be_hidden()
    good = list(page_house.products)[3]
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose another photo").click()
    chooser.value.set_files(
        {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": page_house.photo(good)}
    )
    expect(page.locator("#grid .card").first).to_be_visible()
    expect(page.locator("#photo-preview")).to_be_visible()
    expect(page.get_by_role("heading", name="This photo cannot be read")).to_be_hidden()
    context.close()


@pytest.mark.parametrize(("button", "cheaper"), [("More like", False), ("Cheaper like", True)])
def test_a_card_leads_to_what_is_like_it(visit: Visit, button: str, cheaper: bool) -> None:
    visit.open("/?q=dress&colour=green&colour=sky")
    visit.settled()
    card = visit.page.locator("#grid .card").nth(2)
    example = visit.house.products[card.get_attribute("data-id") or ""]
    card.get_by_role("button", name=button).click()
    expect(visit.page).to_have_url(
        re.compile(rf"\?like={example.id}{'&cheaper=1' if cheaper else ''}$")
    )
    visit.settled()
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text(f"like {example.title}")
    expect(visit.page.get_by_text("Like this", exact=True)).to_be_visible()
    assert any(f"/v1/products/{example.id}/similar" in url for url in visit.asked)
    found = visit.shown()
    assert found
    assert example.style_id not in {product.style_id for product in found}
    below = [product.price_minor < example.price_minor for product in found]  # type: ignore[operator]
    assert all(below) == cheaper
    visit.page.get_by_role("button", name="All" if cheaper else "Cheaper", exact=True).click()
    visit.settled()
    assert visit.ids() != [product.id for product in found]
    visit.page.go_back()
    visit.page.go_back()
    expect(visit.box).to_have_value("dress")
    assert {product.colour for product in visit.shown()} == {"green", "sky"}


def test_words_beside_an_example_change_what_is_found(visit: Visit) -> None:
    visit.open("/?like=p-000001")
    visit.settled()
    visit.search("green")
    expect(visit.page).to_have_url(re.compile(r"q=green&like=p-000001"))
    expect(visit.page.locator("#aside")).to_be_visible()
    assert "p-000001" not in visit.ids()
    assert visit.ids()
