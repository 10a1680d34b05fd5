"""Promises of a release that not every stage took over: it is told."""

import logging

import pytest

from runtime.metrics import Metrics
from services.gateway.main_observed import ObservedSearch
from services.gateway.parts import words
from services.gateway.query import Query
from tests.gateway_fakes import FakeText, House


@pytest.mark.parametrize("retrievers", [("text",), ("image",), ()])
async def test_the_answer_tells_the_weights_of_who_was_asked(retrievers: tuple[str, ...]) -> None:
    house = House(FakeText(["p-1"]))
    answer = await house.pipeline.search(Query((words("red", "text"),), retrievers=retrievers))
    assert answer.fusion is not None
    assert set(answer.fusion.weights) == set(retrievers or ("text", "image"))


async def test_a_stage_that_answers_from_another_release_is_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house, metrics = House(FakeText(["p-1"])), Metrics("gateway")
    query = Query((words("red", "text"),))
    plain = await house.pipeline.search(query)
    released = {stage: each.name for stage, each in plain.generations.items()}
    search = ObservedSearch(house.pipeline, metrics, lambda: released)
    with caplog.at_level(logging.WARNING):
        await search.search(query)
        assert not caplog.records, "all stages serve what is released"
        released["image"] = "000009-newer000"
        for _ in range(3):
            await search.search(query)
    assert [record.getMessage() for record in caplog.records] == [
        f"image answers from {plain.generations['image'].name}, not 000009-newer000"
    ]
    told = metrics.render().decode()
    assert 'search_other_release_total{stage="image"} 3.0' in told
