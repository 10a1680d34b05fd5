"""The page speaks Korean to who does, and leaves no sentence of its own untold."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.page_house import PageHouse
from tests.page_visit import Visit, needs_browser

WEB = Path(__file__).resolve().parent.parent / "services" / "gateway" / "web"


@needs_browser
def test_the_page_speaks_korean_to_who_does_and_english_where_asked(
    browser: Browser, page_house: PageHouse
) -> None:
    context = browser.new_context(locale="ko-KR")
    visitor = Visit(context, page_house)
    visitor.open("/?q=navy+dress")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "ko")
    expect(visitor.page.get_by_role("button", name="검색", exact=True)).to_be_visible()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("‘navy dress’ 검색 결과")
    expect(visitor.page.locator("#understood .filter-chip").first).to_contain_text("색상: Navy")
    visitor.page.get_by_role("button", name="English").click()
    expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
    expect(visitor.page.get_by_role("button", name="Search", exact=True)).to_be_visible()
    visitor.page.get_by_role("button", name="한국어").click()
    expect(visitor.page.locator("html")).to_have_attribute("lang", "ko")
    context.close()


def _sentences() -> set[str]:
    """What the program says in a language: the first words of each call of ``t``."""
    found: set[str] = set()
    for file in WEB.glob("*.js"):
        found |= set(re.findall(r'\bt\("((?:[^"\\]|\\.)*)"', file.read_text()))
    return found


def test_whatever_the_page_says_it_can_say_in_korean() -> None:
    korean = (WEB / "korean.js").read_text()
    known = set(re.findall(r'^  (?:"((?:[^"\\]|\\.)*)"|\w+): "', korean, re.M))
    known |= set(re.findall(r"^  (\w+): ", korean, re.M))
    assert len(_sentences()) > 70
    assert _sentences() - known == set()
    page = re.sub(
        r"<(title|noscript|svg|style)\b.*?</\1>", "", (WEB / "index.html").read_text(), flags=re.S
    )
    spoken = set(re.findall(r'(?:placeholder|aria-label|title|alt)="([^"]+)"', page))
    spoken |= {" ".join(text.split()) for text in re.findall(r">([^<>]+)<", page)}
    unspoken = {"", "×", "hemline", "Hemline", "API", "30 %"}
    assert spoken - known - unspoken == set()


@pytest.mark.parametrize(
    "name", ["TITLES", "DEGRADED", "TERMS", "RETRIEVERS", "MODES", "STAGES", "COVERAGE", "KINDS"]
)
def test_every_table_of_names_is_in_korean_too(name: str) -> None:
    korean = (WEB / "korean.js").read_text()
    [table] = [
        found[1]
        for file in WEB.glob("*.js")
        if (found := re.search(rf"const {name} = \{{(.*?)\n?\}};", file.read_text(), re.S))
    ]
    said = re.findall(r': \[?"([^"]+)"', table)
    assert said
    for sentence in said:
        assert f'"{sentence}": ' in korean or f"\n  {sentence}: " in korean, sentence
