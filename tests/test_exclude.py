"""What a caller excludes is left out, also where nothing is understood."""

import pytest

from runtime.errors import InvalidArgument
from services.gateway.parts import Example, Part, Words
from services.gateway.query import Query
from services.gateway.query_options import Understand
from services.gateway.reading import read
from tests.gateway_fakes import FakeImage, FakeText, House, ask


@pytest.fixture
def house() -> House:
    return House(FakeText(["a", "b"]), FakeImage(["b", "c"]))


def away(house: House, query: Query) -> list[str]:
    """The words that the picture side was led away from, which it was asked for as well."""
    parts = [part for part in read(None, query).query.parts if part.weight < 0]
    encoded = {part.source for asked in house.image.encoded for part in asked}
    assert encoded >= {part.source for part in parts}
    return [part.source.text for part in parts if isinstance(part.source, Words)]


@pytest.mark.parametrize("understand", [Understand(), Understand(enabled=False)])
async def test_without_a_vocabulary_exclusions_are_words_that_no_hit_may_hold(
    house: House, understand: Understand
) -> None:
    query = ask("dress", exclude=("black", "a logo"), understand=understand)
    answer = await house.pipeline.search(query)
    assert house.text.excluded == ["black a logo"]
    assert away(house, query) == ["black a logo"]
    assert house.text.asked[0][0] == "dress"
    assert answer.understood == ()


async def test_a_picture_is_led_away_from_what_is_excluded(house: House) -> None:
    query = Query((Part(Example("a"), "parts[0]"),), exclude=("black",))
    await house.pipeline.search(query)
    assert away(house, query) == ["black"]


async def test_a_list_refuses_to_leave_out_what_no_field_holds(house: House) -> None:
    with pytest.raises(InvalidArgument) as told:
        await house.pipeline.search(Query((), exclude=("logo",)))
    assert told.value.field == "exclude"


async def test_a_search_without_exclusions_excludes_nothing(house: House) -> None:
    await house.pipeline.search(ask("dress"))
    assert house.text.excluded == [""]
    assert away(house, ask("dress")) == []
