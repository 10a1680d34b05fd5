"""What is true of every answer: 500 random requests over all options, on the small world."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from catalog.media import MediaStore
from catalog.product_filter import admits
from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.local_stages import KeptVectors, LocalImage, LocalRanking, local_pipeline
from offline.local_text import LocalText
from offline.publish import open_all
from runtime.artifacts import ArtifactStore
from runtime.errors import InvalidArgument, ServiceError, Unavailable
from services.gateway.answer import Answer, RankedProduct
from services.gateway.budget import Deadline
from services.gateway.fanout import MAX_DEPTH, MIN_DEPTH, Filters
from services.gateway.legs import BACKGROUND_KEPT, ImageLeg, TextLeg
from services.gateway.paging import Paging
from services.gateway.pipeline import SearchPipeline
from services.gateway.query import MAX_PAGE_SIZE, RELEVANCE, Query
from services.gateway.quotas import VALUE_OF
from services.gateway.reading import read
from services.gateway.result_lists import ProcessLists
from services.gateway.schemas import SearchBody, to_query
from services.gateway.sealed import Keys
from services.gateway.stages import Counts, Ranking, Rows, Tastes, UserFactors
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from services.image_retriever.decode import PhotoDecoder
from services.image_retriever.encoder import open_encoder
from services.image_retriever.index import VectorIndex
from services.reranker.factors import Factors
from services.text_retriever.browse import count_facets, product_rows
from services.text_retriever.index import TextIndex
from tests.every_option import Json, Stock, drawn_request
from tests.gateway_fakes import FakePhotos, down

ROUNDS, OF_A_ROUND = 20, 25
PHOTOS = 8


class LostLeg:
    """A retriever that does not answer."""

    async def retrieve(
        self, query: Query, count: int, deadline: Deadline, filters: Filters
    ) -> Sequence[Ranking]:
        _fail()


class Table(LocalText):
    """A text stage that counts as the real one does, by the columns of its index."""

    async def count_facets(
        self,
        product_ids: Sequence[str],
        fields: Sequence[str],
        *,
        collapse: bool,
        rows: bool,
        min_seq: int,
        timeout_s: float,
    ) -> Counts:
        columns = self.index.columns
        known = product_rows(columns, product_ids)
        each = (known.styles, known.prices, known.added, known.brands, known.colours)
        facets = count_facets(columns, product_ids, fields, collapse=collapse)
        return Counts(facets, Rows(*(column.tolist() for column in each)) if rows else None)


class LostTable(LocalText):
    """A text stage that counts nothing."""

    async def count_facets(
        self,
        product_ids: Sequence[str],
        fields: Sequence[str],
        *,
        collapse: bool,
        rows: bool,
        min_seq: int,
        timeout_s: float,
    ) -> Counts:
        _fail()


class LostVectors:
    """An image stage that tells no vectors."""

    async def fetch(self, product_ids: Sequence[str], *, timeout_s: float) -> NDArray[np.int8]:
        _fail()


class LostRanking(LocalRanking):
    """A ranking stage that knows the shopper and scores nothing."""

    async def tastes(
        self, factors: UserFactors, product_ids: Sequence[str], *, timeout_s: float
    ) -> Tastes:
        _fail()


def _fail() -> NoReturn:
    raise down(Unavailable)


@dataclass(frozen=True, slots=True)
class Searches:
    """The search of the small world, whole and without one of its stages."""

    whole: SearchPipeline
    without: dict[str, SearchPipeline]
    stock: Stock


@pytest.fixture(scope="module")
def searches(world: DataDir) -> Iterator[Searches]:
    """The rooms of all stages in this process, over the release in force."""
    artifacts = ArtifactStore(world.artifacts)
    release = artifacts.current()
    assert release is not None
    folders = {
        kind: artifact.folder for kind, artifact in open_all(artifacts, release.generations).items()
    }
    store = CatalogStore.open(world.database_url)
    products = {product.id: product for product in store.scan()}
    store.close()
    media = MediaStore(world.media)
    shas = [each.images[0] for each in list(products.values())[::7] if each.images][:PHOTOS]
    photos = {sha: data for sha in shas if (data := media.get(sha)) is not None}
    decoder = PhotoDecoder(workers=1, queue=16)
    index = VectorIndex.open(folders["image"])
    image = LocalImage(open_encoder(folders["encoder"]), index, products, decoder)
    text = Table(TextIndex.open(folders["text"]), products)
    factors = Factors.open(folders["ranking"])
    kept = KeptVectors()
    whole = replace(
        local_pipeline(
            products,
            text=text.index,
            image=image,
            vectors=kept,
            factors=factors,
            understanding=Understanding(Vocabulary.open(folders["vocabulary"])),
        ),
        legs={"text": TextLeg(text), "image": ImageLeg(image, kept, FakePhotos(photos))},
        table=text,
        paging=Paging(ProcessLists(), Keys(b"secret")),
    )
    shoppers = [f"u-{number:04}" for number in range(1, 40)]
    yield Searches(
        whole, _without(whole, text, factors), Stock(list(products.values()), shoppers, photos)
    )
    decoder.close()


def _without(whole: SearchPipeline, text: LocalText, factors: Factors) -> dict[str, SearchPipeline]:
    legs, taste = whole.legs, whole.taste
    assert taste is not None
    lost_table = LostTable(text.index, text.products)
    return {
        "text": replace(whole, legs={**legs, "text": LostLeg()}, table=lost_table),
        "image": replace(whole, legs={**legs, "image": LostLeg()}, vectors=LostVectors()),
        "ranking": replace(whole, taste=replace(taste, ranking=LostRanking(factors))),
    }


def query_of(request: Json) -> Query:
    return to_query(SearchBody.model_validate_json(json.dumps(request)), {})


async def walk(pipeline: SearchPipeline, query: Query) -> list[Answer]:
    """All pages of a query."""
    answers = [await pipeline.search(query)]
    while token := answers[-1].next_page_token:
        answers.append(await pipeline.search(replace(query, page_token=token)))
    return answers


async def places_by_score(pipeline: SearchPipeline, query: Query) -> dict[str, tuple[int, float]]:
    """Place, from 1, and score of each product that is found, before anything moves it."""
    depth = min(max(query.candidate_factor * query.page_size, MIN_DEPTH), MAX_DEPTH)
    size = next(
        size
        for size in range(MAX_PAGE_SIZE, 0, -1)
        if depth % size == 0 and depth // size <= MAX_PAGE_SIZE
    )
    listed = not read(pipeline.understanding(), query).query.parts
    plain = replace(
        query,
        page_size=size,
        candidate_factor=depth // size,
        # What is listed without words has its scores by the order that was asked for.
        sort=query.sort if listed else RELEVANCE,
        collapse=False,
        diversity=0.0,
        quotas={},
        facets=(),
        explain=False,
    )
    hits = [hit for answer in await walk(pipeline, plain) for hit in answer.hits]
    ranked = sorted(hits, key=lambda hit: (-hit.score, hit.product.id))
    assert plain.sort != RELEVANCE or ranked == hits, "best first, equal ones by id"
    return {hit.product.id: (place, hit.score) for place, hit in enumerate(ranked, 1)}


def replayed(hit: RankedProduct, place: int) -> int:
    """Where the moves of a hit lead from its place by score."""
    assert hit.explanation is not None
    for move in hit.explanation.moves:
        assert move.start == place != move.end
        place = move.end
    return place


def check_page(answer: Answer, query: Query) -> None:
    """What is true of each page of an answer."""
    assert len(answer.hits) <= query.page_size
    assert answer.hits or not answer.next_page_token
    for name, most in query.quotas.items():
        held = Counter(VALUE_OF[name](hit.product) for hit in answer.hits)
        del held[""]
        assert max(held.values(), default=0) <= most, f"quota of {name}"
    assert 0 <= answer.relevance_cost <= 1
    assert answer.relevance_cost == 0 or query.diversity or query.quotas
    # All stages answer; what is left to miss is a background that nothing told from the garment.
    wishes = any(part.remove_background for part in query.parts)
    assert {*answer.degraded_reasons} <= ({BACKGROUND_KEPT} if wishes else set())
    for hit in answer.hits:
        assert query.filter is None or admits(query.filter, hit.product)
        assert query.include_examples or hit.product.id not in query.example_ids
        assert (hit.variants is not None) == query.collapse


def check_hit(hit: RankedProduct, by_score: dict[str, tuple[int, float]]) -> None:
    """What is true of each hit that explains itself."""
    place, score = by_score[hit.product.id]
    assert hit.explanation is not None
    assert hit.score == pytest.approx(score, abs=1e-9)
    assert sum(term.value for term in hit.explanation.terms) == pytest.approx(hit.score, abs=1e-6)
    assert replayed(hit, place) == hit.rank


async def check(searches: Searches, query: Query) -> None:
    """What is true of all pages of a query."""
    explained = replace(query, explain=True)
    answers = await walk(searches.whole, explained)
    by_score = await places_by_score(searches.whole, query)
    for answer in answers:
        check_page(answer, query)
    hits = [hit for answer in answers for hit in answer.hits]
    for hit in hits:
        check_hit(hit, by_score)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    found = [hit.product.id for hit in hits]
    assert len({*found}) == len(found) == answers[0].total.value
    if query.collapse:
        assert len({hit.product.style_id for hit in hits}) == len(hits)
    else:
        assert {*found} == by_score.keys(), "every product that is found is on some page"
    plain = await searches.whole.search(query)
    assert [replace(hit, explanation=None) for hit in answers[0].hits] == list(plain.hits)


async def check_lost(searches: Searches, query: Query, stage: str) -> None:
    """That an answer without a stage is that of a request which does not ask it."""
    asked = replace(query, explain=True, allow_partial=True)
    lost = searches.without[stage]
    coverage = (await searches.whole.search(asked)).coverage
    if coverage[stage] != "ok":
        return
    others = [name for name in ("text", "image") if name != stage and coverage[name] == "ok"]
    if not others:
        with pytest.raises(ServiceError):
            await lost.search(asked)
        return
    if stage == "ranking":
        wanted = replace(asked, user_id="", session_product_ids=())
    else:
        wanted = replace(asked, retrievers=tuple(others))
    found, spared = await lost.search(asked), await searches.whole.search(wanted)
    assert f"{stage}_unavailable" in found.degraded_reasons
    assert found.hits == spared.hits
    assert found.facets == spared.facets
    assert found.total == spared.total
    assert found.relevance_cost == spared.relevance_cost
    with pytest.raises(Unavailable):
        await lost.search(replace(asked, allow_partial=False))


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_terms_moves_pages_and_losses(round_: int, searches: Searches) -> None:
    refusals = 0
    for place in range(round_ * OF_A_ROUND, (round_ + 1) * OF_A_ROUND):
        draw = random.Random(place)
        request = drawn_request(draw, searches.stock)
        query = query_of(request)
        try:
            refusal = await checked(searches, query, draw.choice(("text", "image", "ranking")))
            assert refusal is None or is_fair(refusal, searches.whole, query)
        except Exception as problem:
            problem.add_note(f"request {place}: {_short(request)}")
            raise
        refusals += refusal is not None
    assert refusals <= OF_A_ROUND / 4


async def checked(searches: Searches, query: Query, stage: str) -> InvalidArgument | None:
    """Why the query was refused; None where it was answered, and all is true of it."""
    try:
        await check(searches, query)
    except InvalidArgument as refusal:
        return refusal
    await check_lost(searches, query, stage)
    return None


def is_fair(problem: InvalidArgument, pipeline: SearchPipeline, query: Query) -> bool:
    """Whether what the words come to cannot be asked of the retrievers that were named."""
    reading = read(pipeline.understanding(), query).query
    match problem.field:
        case "exclude":
            return not reading.parts and bool(reading.excluded_words)
        case "retrievers":
            return bool(query.retrievers) and not (reading.words and reading.parts)
    return False


def _short(request: Any) -> str:
    """The request with its photos left out."""
    return "".join(part if len(part) < 400 else "..." for part in json.dumps(request).split('"'))
