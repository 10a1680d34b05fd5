"""Promises of a catalogue that is labelled in part: the pictures lead where labels are missing."""

from pathlib import Path

import orjson
import pytest

from catalog.lexicon import Lexicon
from catalog.product import Product
from catalog.words import WordTable
from runtime.artifacts import ArtifactRefused
from services.gateway.parts import Example, Part, words
from services.gateway.query import Query
from services.gateway.reading import read
from services.gateway.tuned_fusion import TunedFusion, default_fusion
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary

TABLE, LEXICON = WordTable.default(), Lexicon.default()


def shop(labelled: int, *, titled: int = 0) -> list[Product]:
    """Ten dresses of which some say so in columns, further ones in their titles."""
    return [
        Product(
            id=f"p-{number}",
            style_id=f"p-{number}",
            title="Red dress" if labelled <= number < labelled + titled else f"No. {number}",
            kind="dress" if number < labelled else "",
            colour="red" if number < labelled else "",
        )
        for number in range(10)
    ]


def asked(products: list[Product], text: str = "red dress", *also: Part) -> Query:
    understanding = Understanding(Vocabulary.gather(products, table=TABLE, lexicon=LEXICON))
    return read(understanding, Query(parts=(words(text, "text"), *also))).query


def picture_share(query: Query) -> float:
    fusion = TunedFusion().of(query)
    return fusion.weight("image") / (fusion.weight("image") + fusion.weight("text"))


def test_words_lead_where_all_is_labelled_in_columns_or_in_titles() -> None:
    whole = default_fusion("words_short")
    for products in (shop(10), shop(5, titled=5), shop(0, titled=10)):
        query = asked(products)
        assert query.labelled == 1.0
        assert TunedFusion().of(query) == whole


def test_the_lead_of_words_goes_with_the_pairs_that_they_can_tell_apart() -> None:
    assert picture_share(asked(shop(5))) == pytest.approx(1 - 0.8 * 0.5**2)
    assert picture_share(asked(shop(8))) == pytest.approx(1 - 0.8 * 0.8**2, abs=0.006)
    assert picture_share(asked(shop(0))) == pytest.approx(0.99), "both are asked all the same"


def test_what_nobody_needs_to_say_changes_nothing() -> None:
    assert asked(shop(0), "under 50").labelled == 1.0
    assert asked(shop(0), "striped").labelled == 1.0, "of many things nobody says that they are not"
    beside = asked(shop(0), "red", Part(Example("p-1"), "parts[0]"))
    assert TunedFusion().of(beside) == default_fusion("both_short")


def test_what_was_tuned_or_asked_for_stays() -> None:
    query, tuned = asked(shop(5)), default_fusion("words_long")
    assert TunedFusion({"words_short": tuned}).of(query) == tuned


def test_the_share_is_part_of_the_artifact(tmp_path: Path) -> None:
    facts = Vocabulary.write(shop(5), tmp_path, table=TABLE, lexicon=LEXICON)
    assert facts["said"] == {"kind": 0.5, "colour": 0.5}
    assert Vocabulary.open(tmp_path).said == {"kind": 0.5, "colour": 0.5}


def test_a_vocabulary_of_an_older_form_says_to_build_again(tmp_path: Path) -> None:
    Vocabulary.write(shop(5), tmp_path, table=TABLE, lexicon=LEXICON)
    path = tmp_path / "vocabulary.json"
    body = orjson.loads(path.read_bytes())
    del body["dearest"]
    path.write_bytes(orjson.dumps(body))
    with pytest.raises(ArtifactRefused, match="hemline build"):
        Vocabulary.open(tmp_path)
    path.write_bytes(b"[]")
    with pytest.raises(ArtifactRefused, match="hemline build"):
        Vocabulary.open(tmp_path)
