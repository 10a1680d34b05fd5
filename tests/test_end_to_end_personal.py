"""Clicks of a stranger change the next search, by what the clicked products look like."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.running import Json, Running

CLICKS = 3


@pytest.fixture
def visitor(running: Running) -> Iterator[str]:
    """Somebody whom no one knows yet, forgotten afterwards."""
    name = f"anon-{uuid4().hex}"
    yield name
    running.delete(f"/v1/users/{name}")


def dresses(running: Running, **request: object) -> list[Json]:
    """Everything that "dress" finds, in its order."""
    hits: list[Json] = []
    token = None
    while True:
        page = running.search(text="dress", page_size=100, page_token=token, **request)
        hits += page["hits"]
        token = page["next_page_token"]
        if not token:
            return [hit["product"] for hit in hits]


def mean_place(found: list[Json], wanted: set[str]) -> float:
    places = [place for place, each in enumerate(found, 1) if each["id"] in wanted]
    assert len(places) == len(wanted)
    return sum(places) / len(places)


def click(running: Running, visitor: str, clicked: list[Json]) -> None:
    events = [
        {"event_id": uuid4().hex, "user_id": visitor, "product_id": each["id"], "kind": "view"}
        for each in clicked
    ]
    verdicts = running.post("/v1/interactions", {"events": events}).json()["results"]
    assert [each["status"] for each in verdicts] == ["accepted"] * len(clicked)


@pytest.mark.parametrize("colour", ["red", "navy", "green"])
def test_three_clicks_on_red_dresses_move_red_ones_up(
    running: Running, visitor: str, colour: str
) -> None:
    before = dresses(running)
    clicked = [each for each in before if (each["kind"], each["colour"]) == ("dress", colour)]
    click(running, visitor, clicked[:CLICKS])
    after = dresses(running, user_id=visitor)
    wanted = {each["id"] for each in clicked}
    assert len(clicked[:CLICKS]) == CLICKS
    assert mean_place(after, wanted) < mean_place(before, wanted)
    assert dresses(running) == before, "what one shopper clicks is nothing to others"


def test_a_colour_is_liked_in_other_kinds_too(running: Running) -> None:
    before = dresses(running)
    gained = []
    for colour in ("red", "navy", "green", "blue", "beige", "pink", "purple", "olive"):
        wanted = {each["id"] for each in before if each["colour"] == colour}
        listed = running.search(filter={"field": "colour", "in": [colour]}, page_size=100)["hits"]
        others = [hit["product"] for hit in listed if hit["product"]["kind"] != "dress"]
        name = f"anon-{uuid4().hex}"
        click(running, name, others[:CLICKS])
        after = dresses(running, user_id=name, personalization=0.5)
        running.delete(f"/v1/users/{name}")
        gained.append(mean_place(before, wanted) - mean_place(after, wanted))
    assert sum(gained) / len(gained) > 0, gained
    assert sum(each > 0 for each in gained) > len(gained) / 2, gained
