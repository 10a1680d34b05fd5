"""The program says how it read the words, what it found, and why."""

import pytest

from offline.search_shown import readings, show

PRICE = "admits only price"
PRODUCT = {
    "id": "p-1", "title": "Navy linen dress", "brand": "Nord", "price_minor": 4999,
    "currency": "EUR",
}  # fmt: skip
HIT = {
    "rank": 1,
    "score": 0.5,
    "product": PRODUCT,
    "explanation": {
        "retrievers": {},
        "terms": [{"name": "fusion.text", "value": 0.3}, {"name": "taste", "value": 0.2}],
        "moves": [{"stage": "diversity", "from": 4, "to": 1, "why": "it differs"}],
    },
}


def understood(field: str, value: str, written: str, effect: str) -> dict[str, object]:
    """An answer that understood one thing."""
    entry = {"field": field, "value": value, "from": written, "effect": effect}
    return {"hits": [HIT], "understood": [entry]}


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (("colour", "navy", "Navy", "boost"), '"Navy" lifts colour navy'),
        (("attributes.fit", "slim", "slim", "boost"), '"slim" lifts fit slim'),
        (("brand", "Acme", '"acme"', "filter"), '"acme" admits only brand Acme'),
        (("sleeve", "long", "no sleeves", "exclude"), '"no sleeves" leaves out sleeve long'),
        (("words", "logo", "no logo", "exclude"), '"no logo" leaves out logo'),
        (("sleeve", "sleeves", "ärmel", "exclude"), '"ärmel" leaves out sleeves'),
        (("words", "zz", "zz", "unknown"), '"zz" is known to nothing here, and leaves nothing out'),
        (("words", "dress", "kleid", "translate"), '"kleid" is looked up as dress'),
        (("words", "dress", "drses", "spell"), '"drses" is read as dress'),
        (("price_minor", "..5000", "to 50", "filter"), f'"to 50" {PRICE} up to 50.00 EUR'),
        (("price_minor", "2000..", "over 20", "filter"), f'"over 20" {PRICE} from 20.00 EUR'),
        (("price_minor", "2000..4000", "20-40", "filter"), f'"20-40" {PRICE} 20.00 to 40.00 EUR'),
    ],
)  # fmt: skip
def test_each_thing_that_was_understood_is_a_sentence(
    told: tuple[str, str, str, str], line: str
) -> None:
    assert readings(understood(*told), "EUR") == [line]


@pytest.mark.parametrize(
    ("told", "end"),
    [
        (("kind", "shoes", "sandals", "widen"), "is looked up as shoes: no product is called so"),
        (("price_minor", "USD", "$5", "other_currency"), "is not used: prices are not in USD"),
        (("price_minor", "", "under 5", "no_prices"), "is not used: no product has a price"),
        (("size", "4XL", "4xl", "no_such_size"), "is not used: no product is of size 4XL"),
    ],
)
def test_what_is_not_used_is_said_with_the_reason(
    told: tuple[str, str, str, str], end: str
) -> None:
    assert readings(understood(*told), "EUR") == [f'"{told[2]}" {end}']


def test_another_spelling_is_offered() -> None:
    assert readings({"did_you_mean": "red dress"}, "") == ['did you mean "red dress"?']
    assert readings({"did_you_mean": None, "understood": []}, "") == []


def test_what_was_mended_is_not_asked_about() -> None:
    answer = understood("words", "dress", "drses", "spell") | {"did_you_mean": "red dress"}
    assert readings(answer, "")[1:] == ['showing results for "red dress"']


def test_the_reading_stands_above_the_hits_and_reasons_beside_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = understood("colour", "navy", "navy [b]", "boost") | {"relevance_cost": 0.125}
    show(answer, why=True)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == '"navy [b]" lifts colour navy'
    assert "Navy linen dress" in told[2]
    assert "49.99 EUR" in told[2]
    assert "fusion.text 0.300, taste 0.200" in told[2]
    assert "diversity 4 to 1" in " ".join(told[2:])
    assert told[-1] == "diversity and quotas cost 12.5% of the relevance of this page"


def test_nothing_found_is_said_below_what_was_understood(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(understood("words", "dress", "drses", "spell") | {"hits": []})
    assert capsys.readouterr().out == '"drses" is read as dress\nnothing found\n'
