"""What a query becomes once its words are read, and what pictures may add to words."""

from dataclasses import replace

import pytest

from catalog.lexicon import Lexicon
from catalog.product_filter import AllOf, Condition, Not, admits
from catalog.words import WordTable
from services.gateway.agreeing import agreed
from services.gateway.parts import Example, Part, words
from services.gateway.query import Fusion, Query
from services.gateway.query_options import Understand
from services.gateway.reading import pictured, read
from services.gateway.stages import Ranking
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from tests.shop import shop

PRODUCTS = shop()


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    """Reads by the words of the small shop."""
    table, lexicon = WordTable.default(), Lexicon.default()
    return Understanding(Vocabulary.gather(PRODUCTS, table=table, lexicon=lexicon))


def _query(text: str, **options: object) -> Query:
    return Query((words(text, "text"),), **options)  # type: ignore[arg-type]  # any option


def test_each_side_gets_its_words(understanding: Understanding) -> None:
    asked = read(understanding, _query("rotes Kleid unter 50 euro")).query
    (part,) = asked.parts
    assert part.source.text == "red dress"  # type: ignore[union-attr]  # words
    assert set(asked.words.split()) >= {"red", "dress"}
    assert asked.filter == Condition("price_minor", lte=4999)
    assert {boost.field for boost in asked.boosts} == {"colour", "kind"}


def test_what_is_understood_joins_the_callers_filter(understanding: Understanding) -> None:
    brand = Condition("brand", ("Brand 1",))
    asked = read(understanding, _query("dress not black up to 50", filter=brand)).query
    assert isinstance(asked.filter, AllOf)
    assert asked.filter.filters[0] == brand
    assert {Condition("price_minor", lte=5000), Not(Condition("colour", ("black",)))} < set(
        asked.filter.filters
    )


def test_a_price_alone_is_browsed(understanding: Understanding) -> None:
    asked = read(understanding, _query("under 50")).query
    assert asked.parts == ()
    assert asked.filter == Condition("price_minor", lte=4999)


def test_nothing_is_read_where_the_caller_refuses(understanding: Understanding) -> None:
    query = _query("dress not black", understand=Understand(enabled=False))
    assert read(understanding, query).query == query
    assert read(None, _query("dress not black")).query == _query("dress not black")


def test_what_no_attribute_knows_becomes_a_part_that_leads_away(
    understanding: Understanding,
) -> None:
    asked = read(understanding, _query("dress without zippers")).query
    assert [part.weight for part in asked.parts] == [1.0, -1.0]
    assert asked.words == "dress"
    assert asked.fusion is not None
    named = read(understanding, _query("dress without zippers", fusion=Fusion())).query
    assert named.fusion == Fusion()


def test_it_is_kept_that_words_were_said_which_only_filter(understanding: Understanding) -> None:
    liked = Part(Example("p-0001"), "parts[1]")
    assert not read(understanding, Query((liked,))).query.said
    for text in ("but not black", "under 50"):
        asked = read(understanding, Query((words(text, "text"), liked))).query
        assert asked.parts == (liked,)
        assert asked.said
    assert read(understanding, Query((liked,), exclude=("black",))).query.said
    red = read(understanding, Query((words("red", "text"), liked))).query
    assert not red.said
    assert red.words == "red"


def test_exclusions_reach_a_query_without_words(understanding: Understanding) -> None:
    query = Query((Part(Example("p-0001"), "parts[0]"),), exclude=("black",))
    asked = read(understanding, query).query
    assert asked.filter is not None
    assert {p.colour for p in PRODUCTS if not admits(asked.filter, p)} == {"black"}
    assert asked.parts == query.parts


def test_each_part_of_words_is_read(understanding: Understanding) -> None:
    query = Query((words("red dress", "parts[0]"), words("under 50 coat", "parts[1]", 0.5)))
    found = read(understanding, query)
    assert [part.weight for part in found.query.parts] == [1.0, 0.5]
    assert found.query.filter == Condition("price_minor", lte=4999)
    assert {told.value for told in found.understood} == {"red", "dress", "coat", "..4999"}


def test_the_whole_query_is_offered_as_it_was_meant(understanding: Understanding) -> None:
    assert read(understanding, _query("rde drss")).did_you_mean == "rde dress"
    assert read(understanding, _query("red dress")).did_you_mean == ""


def test_pictures_vote_on_the_kind_that_was_named(understanding: Understanding) -> None:
    voted = pictured(read(understanding, _query("red dress")).query, None)
    assert voted is not None
    kinds = {product.kind for product in PRODUCTS if admits(voted, product)}
    assert kinds == {"dress"}
    assert admits(voted, replace(PRODUCTS[0], kind="")), "only its picture can tell what it is"
    assert pictured(read(understanding, _query("red")).query, None) is None
    with_picture = Query((words("dress", "text"), Part(Example("p-0001"), "parts[0]")))
    assert pictured(read(understanding, with_picture).query, None) is None


def _rankings(pictures: dict[str, float], found: dict[str, float]) -> dict[str, Ranking]:
    return {
        "text": Ranking(list(found), list(found.values())),
        "image": Ranking(list(pictures), list(pictures.values())),
    }


def test_pictures_speak_beside_the_words_and_alone() -> None:
    pictures = {"a": 0.3, "b": 0.1}
    for found in ({}, {"a": 5.0}):
        kept = agreed(_query("flamenco"), _rankings(pictures, found))
        assert list(kept["image"].ids) == ["a", "b"]


def test_no_picture_brings_back_what_its_words_exclude() -> None:
    query = _query("dress", excluded_words="zip")
    kept = agreed(query, _rankings({"a": 0.3, "zipped": 0.29}, {"a": 5.0}))
    assert list(kept["image"].ids) == ["a"]
