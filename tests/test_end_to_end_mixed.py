"""Diversity and quotas in a house of real processes: over both doors, by the stage's vectors."""

from collections import Counter
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from fashion.search.v1 import search_pb2 as pb
from fashion.search.v1.search_pb2_grpc import SearchServiceStub
from tests.running import Json, Running, ids

DRESSES: dict[str, Any] = {"text": "dress", "page_size": 20, "explain": True}


def walk(running: Running, **request: Any) -> list[Json]:
    """All pages of a search."""
    pages = [running.search(**request)]
    while token := pages[-1]["next_page_token"]:
        pages.append(running.search(**request, page_token=token))
    return pages


def stages(page: Json) -> set[str]:
    return {move["stage"] for hit in page["hits"] for move in hit["explanation"]["moves"]}


def test_diversity_goes_by_the_vectors_of_the_image_stage(running: Running) -> None:
    plain = running.search(**DRESSES)
    mixed = running.search(**DRESSES, diversity=0.8)
    assert not mixed["degraded"], mixed["degraded_reasons"]
    assert ids(mixed)[0] == ids(plain)[0]
    assert ids(mixed) != ids(plain)
    assert plain["relevance_cost"] == 0 < mixed["relevance_cost"] < 1
    assert "diversity" in stages(mixed)
    assert "diversity" in mixed["timings_ms"]
    by_attributes = running.search(**DRESSES, diversity=0.8, retrievers=["text"])
    assert ids(by_attributes) != ids(running.search(**DRESSES, retrievers=["text"]))


@pytest.mark.parametrize("collapse", [False, True])
def test_every_page_keeps_the_quotas_and_every_product_is_reached(
    collapse: bool, running: Running
) -> None:
    asked = DRESSES | {"page_size": 10, "collapse": collapse}
    pages = walk(running, **asked, quotas={"brand": 1, "colour": 2}, diversity=0.3)
    for page in pages:
        brands = Counter(hit["product"]["brand"] for hit in page["hits"])
        colours = Counter(hit["product"]["colour"] for hit in page["hits"])
        assert max(brands.values()) == 1
        assert max(colours.values()) <= 2
    found = [name for page in pages for name in ids(page)]
    plain = [name for page in walk(running, **asked) for name in ids(page)]
    assert sorted(found) == sorted(plain)
    assert found != plain
    assert set().union(*map(stages, pages)) >= {"quotas", "diversity"}


def test_both_doors_mix_alike(running: Running) -> None:
    request = DRESSES | {"diversity": 0.5, "quotas": {"brand": 2}, "collapse": True}
    told = running.search(**request)
    with grpc.insecure_channel(running.grpc_target) as channel:
        search = SearchServiceStub(channel).Search  # type: ignore[no-untyped-call]  # generated
        answer = search(ParseDict(request | {"budget_ms": 5000}, pb.SearchRequest()), timeout=10)
    assert [hit.product.product_id for hit in answer.hits] == ids(told)
    assert answer.relevance_cost == pytest.approx(told["relevance_cost"], abs=1e-6)
    over_grpc = [
        [(move.stage, move.from_place, move.to_place, move.why) for move in hit.explanation.moves]
        for hit in answer.hits
    ]
    over_rest = [
        [
            (each["stage"], each["from"], each["to"], each["why"])
            for each in hit["explanation"]["moves"]
        ]
        for hit in told["hits"]
    ]
    assert over_grpc == over_rest
    assert any(over_rest)
