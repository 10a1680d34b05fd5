"""Both doors take the same options of a search, refuse the same ones, and tell the same answer."""

import json
from dataclasses import replace

import pytest

from fashion.search.v1 import search_pb2 as pb
from runtime.errors import InvalidArgument
from services.gateway import rest_bodies
from services.gateway.answer import Answer, Total, Understood
from services.gateway.paging import request_digest
from services.gateway.parts import Example, Part, Photo, StoredPhoto, words
from services.gateway.query import Query
from services.gateway.query_options import Fusion, Rerank, Understand
from services.gateway.rest_json import ProductJson, answer_to_json
from services.gateway.schemas import SearchBody, to_query
from services.gateway.schemas_examples import EXAMPLES
from services.gateway.schemas_out import SearchReply
from services.gateway.servicer_messages import ProductMessages, answer_to_proto
from services.gateway.servicer_queries import query_from_proto

SHA = "ab" * 32
PHOTO = Part(StoredPhoto(SHA), "parts[0]")
LONG = "a" * 513


def rest(body: object) -> Query:
    """The query that REST makes of a body."""
    return to_query(rest_bodies.parse(SearchBody, json.dumps(body).encode()), {})


_BOTH: dict[str, object] = {"text": "red", "parts": [{"image": {"sha256": SHA}}]}


def _both() -> pb.SearchRequest:
    return pb.SearchRequest(text="red", parts=[pb.Part(image_sha256=SHA)])


def _two_stages(request: pb.SearchRequest, first: float, second: float) -> pb.SearchRequest:
    request.rerank.first, request.rerank.second = first, second
    return request


TAKEN: dict[str, tuple[dict[str, object], pb.SearchRequest, dict[str, object]]] = {
    "exclusions": (
        {"exclude": ["Black ", "no logo"]},
        pb.SearchRequest(exclude=["Black ", "no logo"]),
        {"exclude": ("Black", "no logo")},
    ),
    "nothing understood": (
        {"understand": {"enabled": False}},
        pb.SearchRequest(understand=pb.Understand(enabled=False)),
        {"understand": Understand(enabled=False)},
    ),
    "some of it refused": (
        {"understand": {"ignore": ["colour:navy", "kind"]}},
        pb.SearchRequest(understand=pb.Understand(ignore=["colour:navy", "kind"])),
        {"understand": Understand(ignore=("colour:navy", "kind"))},
    ),
    "diversity": ({"diversity": 0.5}, pb.SearchRequest(diversity=0.5), {"diversity": 0.5}),
    "quotas": (
        {"quotas": {"brand": 2, "style": 1, "colour": 100}},
        pb.SearchRequest(quotas={"brand": 2, "style": 1, "colour": 100}),
        {"quotas": {"brand": 2, "style": 1, "colour": 100}},
    ),
    "examples": (
        {"include_examples": True}, pb.SearchRequest(include_examples=True),
        {"include_examples": True},
    ),
    "two stages": (
        {**_BOTH, "rerank": {"first": 0.75, "second": 0.5}},
        _two_stages(_both(), 0.75, 0.5),
        {"parts": (words("red", "text"), PHOTO), "rerank": Rerank(0.75, 0.5)},
    ),
    "a photo without its background": (
        {"parts": [{"image": {"sha256": SHA}, "remove_background": True}]},
        pb.SearchRequest(parts=[pb.Part(image_sha256=SHA, remove_background=True)]),
        {"parts": (replace(PHOTO, remove_background=True),)},
    ),
    "no fusion": ({"fusion": {}}, pb.SearchRequest(fusion=pb.Fusion()), {}),
    "a fusion by scores": (
        {"fusion": {"method": "convex", "weights": {"text": 0.5, "image": 2.0}}},
        pb.SearchRequest(fusion=pb.Fusion(method="convex", weights={"text": 0.5, "image": 2.0})),
        {"fusion": Fusion("convex", weights={"text": 0.5, "image": 2.0})},
    ),
    "a rank constant": (
        {"fusion": {"k": 10, "weights": {"text": 1.0, "image": 1.0}}},
        pb.SearchRequest(fusion=pb.Fusion(k=10, weights={"text": 1.0, "image": 1.0})),
        {"fusion": Fusion("rrf", 10, {"text": 1.0, "image": 1.0})},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_an_option_reaches_the_search_through_either_door(name: str) -> None:
    body, request, told = TAKEN[name]
    expected = Query(**{"parts": (), **told})  # type: ignore[arg-type]  # checked by Query
    assert rest(body) == expected
    assert query_from_proto(request) == expected


@pytest.mark.parametrize("name", sorted(set(TAKEN) - {"no fusion"}))
async def test_a_token_is_of_no_use_to_a_search_with_other_options(name: str) -> None:
    _, request, told = TAKEN[name]
    plain = Query(parts=query_from_proto(request).parts)
    if "parts" in told and len(told) == 1:
        plain = Query(parts=tuple(replace(each, remove_background=False) for each in plain.parts))
    assert await request_digest(plain) != await request_digest(query_from_proto(request))


def _excluded(*texts: str) -> tuple[dict[str, object], pb.SearchRequest]:
    return {"exclude": list(texts)}, pb.SearchRequest(exclude=list(texts))


def _ignored(*names: str) -> tuple[dict[str, object], pb.SearchRequest]:
    told: dict[str, object] = {"understand": {"ignore": list(names)}}
    return told, pb.SearchRequest(understand=pb.Understand(ignore=list(names)))


def _quota(name: str, most: int) -> tuple[dict[str, object], pb.SearchRequest]:
    return {"quotas": {name: most}}, pb.SearchRequest(quotas={name: most})


def _rerank(
    body: dict[str, object], request: pb.SearchRequest, first: float, second: float
) -> tuple[dict[str, object], pb.SearchRequest]:
    told = {"first": first, "second": second}
    return {**body, "rerank": told}, _two_stages(request, first, second)


REFUSED: dict[str, tuple[tuple[dict[str, object], pb.SearchRequest], str, str]] = {
    "too many exclusions": (_excluded(*["a"] * 16), "exclude", "exclude"),
    "an exclusion without words": (_excluded("a", " \t"), "exclude[1]", "exclude[1]"),
    "an empty exclusion": (_excluded(""), "exclude[0]", "exclude[0]"),
    "a long exclusion": (_excluded(LONG), "exclude[0]", "exclude[0]"),
    "long exclusions": (_excluded("a" * 257, "b" * 257), "exclude", "exclude"),
    "too many refusals": (_ignored(*["a"] * 51), "understand.ignore", "understand.ignore"),
    "an empty refusal": (_ignored(""), "understand.ignore[0]", "understand.ignore[0]"),
    "a long refusal": (_ignored("a" * 257), "understand.ignore[0]", "understand.ignore[0]"),
    "a refusal of no field": (_ignored("a", ":b"), "understand.ignore[1]", "understand.ignore[1]"),
    "too much diversity": (
        ({"diversity": 1.5}, pb.SearchRequest(diversity=1.5)), "diversity", "diversity",
    ),
    "less than no diversity": (
        ({"diversity": -0.5}, pb.SearchRequest(diversity=-0.5)), "diversity", "diversity",
    ),
    "a quota of none": (_quota("brand", 0), "quotas.brand", "quotas.brand"),
    "a large quota": (_quota("style", 101), "quotas.style", "quotas.style"),
    "a quota of another field": (_quota("kind", 1), "quotas.kind", "quotas"),
    "two stages of words": (
        _rerank({"text": "red"}, pb.SearchRequest(text="red"), 0.5, 0.5), "rerank", "rerank",
    ),
    "two stages of a picture": (
        _rerank(
            {"parts": [{"product_id": "p"}]},
            pb.SearchRequest(parts=[pb.Part(product_id="p")]), 0.5, 0.5,
        ),
        "rerank", "rerank",
    ),
    "too large a share": (_rerank(_BOTH, _both(), 1.5, 0.5), "rerank.first", "rerank.first"),
    "too small a share": (_rerank(_BOTH, _both(), 0.5, -0.5), "rerank.second", "rerank.second"),
    "words without background": (
        (
            {"parts": [{"text": "a", "remove_background": True}]},
            pb.SearchRequest(parts=[pb.Part(text="a", remove_background=True)]),
        ),
        "parts[0].remove_background", "parts[0].remove_background",
    ),
    "a product without background": (
        (
            {"parts": [{"product_id": "a", "remove_background": True}]},
            pb.SearchRequest(parts=[pb.Part(product_id="a", remove_background=True)]),
        ),
        "parts[0].remove_background", "parts[0].remove_background",
    ),
    "an unknown method": (
        ({"fusion": {"method": "sum"}}, pb.SearchRequest(fusion=pb.Fusion(method="sum"))),
        "fusion.method", "fusion.method",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_an_option_out_of_its_limits_is_refused_by_name_at_either_door(name: str) -> None:
    (body, request), at_rest, at_grpc = REFUSED[name]
    with pytest.raises(InvalidArgument) as told:
        rest(body)
    assert told.value.field == at_rest
    with pytest.raises(InvalidArgument) as told:
        query_from_proto(request)
    assert told.value.field == at_grpc


UNKNOWN = {
    "boosts": {"boosts": []},
    "excluded words": {"excluded_words": "a"},
    "more to understand": {"understand": {"enabled": True, "zq9": 1}},
    "a third stage": {**_BOTH, "rerank": {"first": 0.5, "second": 0.5, "third": 0.5}},
    "half of two stages": {**_BOTH, "rerank": {"first": 0.5}},
    "a number as truth": {"understand": {"enabled": 1}},
    "a quota in words": {"quotas": {"brand": "2"}},
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_rest_does_not_know_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        rest(UNKNOWN[name])


@pytest.mark.parametrize("place", range(len(EXAMPLES)))
def test_the_searches_that_the_description_shows_are_good_ones(place: int) -> None:
    raw = json.dumps(dict(EXAMPLES[place])).encode()
    query = to_query(rest_bodies.parse(SearchBody, raw), {"image": b"photo"})
    assert query != Query(())


def test_a_query_says_which_of_its_parts_are_words_and_which_a_picture() -> None:
    assert not Query(parts=(words("a", "text"),)).has_picture
    assert Query(parts=(Part(Photo(b"x"), "parts[0]"),)).has_picture
    liked, disliked = Part(Example("p"), "parts[0]"), Part(Example("p"), "parts[0]", -1.0)
    assert Query(parts=(liked,)).has_picture
    assert not Query(parts=(words("a", "text"), disliked)).has_picture


def test_the_answer_tells_through_either_door_how_it_was_asked() -> None:
    answer = Answer(
        (), Total(0, "eq"), (), {}, "r-000001", {}, 5, 1000, {},
        understood=[Understood("price_minor", "..4999", "under 50", "filter")],
        did_you_mean="red dress",
        relevance_cost=0.25,
        fusion=Fusion("dbsf", 60, {"text": 0.5, "image": 1.0}),
    )  # fmt: skip
    told = SearchReply.model_validate_json(answer_to_json(answer, ProductJson(), "r"))
    assert [each.model_dump(by_alias=True) for each in told.understood] == [
        {"field": "price_minor", "value": "..4999", "from": "under 50", "effect": "filter"}
    ]
    assert (told.did_you_mean, told.relevance_cost) == ("red dress", 0.25)
    assert told.fusion is not None
    assert told.fusion.model_dump() == {
        "method": "dbsf", "k": 60, "weights": {"text": 0.5, "image": 1.0},
    }  # fmt: skip
    message = answer_to_proto(answer, ProductMessages(), "r")
    [found] = message.understood
    assert (found.field, found.value) == ("price_minor", "..4999")
    assert (found.from_text, found.effect) == ("under 50", "filter")
    assert (message.did_you_mean, message.relevance_cost) == ("red dress", 0.25)
    assert (message.fusion.method, message.fusion.k) == ("dbsf", 60)
    assert dict(message.fusion.weights) == {"text": 0.5, "image": 1.0}


def test_an_answer_that_looks_well_spelt_means_nothing_else() -> None:
    answer = Answer((), Total(0, "eq"), (), {}, "", {}, 5, 1000, {})
    told = SearchReply.model_validate_json(answer_to_json(answer, ProductJson(), "r"))
    assert told.did_you_mean is None
    assert told.understood == []
