"""Small stages that answer from lists, for tests of the gateway."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from catalog.product import Product, SizeStock
from catalog.product_filter import ProductFilter, admits
from runtime.errors import InvalidArgument, PreconditionFailed, ServiceError
from services.gateway.answer import Generation, RankedProduct, Term
from services.gateway.arrangement import Row, in_order
from services.gateway.documents import DocumentCache
from services.gateway.facets import Question, counted
from services.gateway.legs import ImageLeg, TextLeg
from services.gateway.paging import Paging, ResultLists
from services.gateway.parts import Example, Part, words
from services.gateway.pipeline import SearchPipeline
from services.gateway.query import Fusion, Query
from services.gateway.result_lists import ProcessLists
from services.gateway.sealed import Keys
from services.gateway.stages import (
    Boost,
    Completion,
    Counts,
    Photos,
    QueryKind,
    QueryVector,
    Ranking,
    Tastes,
    UserFactors,
)
from services.gateway.taste import TasteFinder
from services.gateway.tuned_fusion import CLASSES, TunedFusion
from services.gateway.vector_cache import VectorCache


def product(name: str) -> Product:
    """A product of this id."""
    return Product(
        id=name,
        style_id=f"s-{name}",
        title=f"Dress {name}",
        brand="Nord",
        category=("Women", "Dresses"),
        kind="dress",
        gender="women",
        colour="navy",
        attributes={"pattern": "plain"},
        sizes=(SizeStock("M", 3),),
        price_minor=4999,
        currency="EUR",
        images=("ab" * 32,),
        image_state="embedded",
        seq=7,
    )


@dataclass
class FakeText:
    """Answers each search with the same list, or with an error, or never."""

    ids: Sequence[str] = ()
    error: Exception | None = None
    hangs: bool = False
    count_error: Exception | None = None
    seq: int = 5
    products: Mapping[str, Product] = field(default_factory=dict)  # as the stage knows them
    asked: list[tuple[str, int]] = field(default_factory=list)
    filters: list[ProductFilter | None] = field(default_factory=list)
    min_seqs: list[int] = field(default_factory=list)
    counted: list[tuple[list[str], list[str]]] = field(default_factory=list)
    boosted: list[tuple[Boost, ...]] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    completions: Sequence[Completion] = ()
    completed: list[tuple[str, int]] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def retrieve(
        self,
        text: str,
        count: int,
        *,
        filter: ProductFilter | None,
        min_seq: int,
        timeout_s: float,
        boosts: Sequence[Boost] = (),
        excluded_text: str = "",
    ) -> Ranking:
        self.asked.append((text, count))
        self.boosted.append(tuple(boosts))
        self.excluded.append(excluded_text)
        self._note(filter, min_seq)
        await _behave(self)
        ids = admitted(self.ids, self.products, filter)[:count]
        scores = [10.0 - place for place in range(len(ids))]
        dark = frozenset(
            name for name in ids if name in self.products and not self.products[name].images
        )
        return Ranking(ids, scores, Generation("t-1", self.seq), without_photo=dark)

    async def browse(
        self,
        order: str,
        count: int,
        *,
        filter: ProductFilter | None,
        min_seq: int,
        timeout_s: float,
    ) -> Ranking:
        self.asked.append((order, count))
        self._note(filter, min_seq)
        await _behave(self)
        found = in_order(
            admitted(list(self.products), self.products, filter), order, rows_of(self.products)
        )
        listed = found[:count]
        return Ranking(listed, [0.0] * len(listed), Generation("t-1", self.seq), len(found))

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
        self.counted.append((list(product_ids), list(fields)))
        self.min_seqs.append(min_seq)
        await _behave(self)
        if self.count_error is not None:
            raise self.count_error
        question = Question(product_ids, fields, rows)
        [found] = counted(self.products, [question], collapse=collapse)
        return replace(found, generation=Generation("t-1", self.seq))

    async def complete(self, text: str, count: int, *, timeout_s: float) -> Sequence[Completion]:
        self.completed.append((text, count))
        await _behave(self)
        return self.completions[:count]

    def _note(self, filter: ProductFilter | None, min_seq: int) -> None:
        self.filters.append(filter)
        self.min_seqs.append(min_seq)
        self.was_asked.set()


@dataclass
class FakeImage:
    """Encodes into another vector each time; its index is of the encoder ``index_of``."""

    ids: Sequence[str] = ()
    error: Exception | None = None
    hangs: bool = False
    encoder: str = "enc-1"
    index_of: str = "enc-1"
    knows_words: bool = True
    keeps_background: bool = False
    look_alikes: frozenset[str] = frozenset()
    without_vector: set[str] = field(default_factory=set)
    seq: int = 6
    products: Mapping[str, Product] = field(default_factory=dict)  # as the stage knows them
    encoded: list[Sequence[Part]] = field(default_factory=list)
    searched: list[tuple[str, int, tuple[str, ...]]] = field(default_factory=list)
    ordered: list[tuple[bool, bytes, int]] = field(default_factory=list)
    looks: Mapping[str, Sequence[int]] = field(default_factory=dict)  # vectors of 4, int8
    filters: list[ProductFilter | None] = field(default_factory=list)
    min_seqs: list[int] = field(default_factory=list)

    async def encode(
        self, mixtures: Sequence[Sequence[Part]], *, timeout_s: float
    ) -> Sequence[QueryVector]:
        await _behave(self)
        return [self._encoded(parts) for parts in mixtures]

    def _encoded(self, parts: Sequence[Part]) -> QueryVector:
        for part in parts:
            if isinstance(part.source, Example) and part.source.product_id in self.without_vector:
                raise InvalidArgument("no photo of this product is indexed", field=part.field)
        self.encoded.append(parts)
        turn = 0.1 * len(self.encoded)
        data = np.array([np.cos(turn), np.sin(turn)], "<f4").tobytes() if self.knows_words else b""
        return QueryVector(self.encoder, QueryKind.TEXT, data, self.keeps_background)

    async def search(
        self,
        vector: QueryVector,
        count: int,
        *,
        filter: ProductFilter | None,
        excluded: Sequence[str],
        min_seq: int,
        timeout_s: float,
        look_alikes_excluded: bool = False,
        order_vector: bytes = b"",
        candidates: int = 0,
        kind_vector: bytes = b"",
        kind_products: Sequence[str] = (),
    ) -> Ranking:
        await _behave(self)
        self.ordered.append((look_alikes_excluded, order_vector, candidates))
        self.filters.append(filter)
        self.min_seqs.append(min_seq)
        self.searched.append((vector.fingerprint, count, tuple(excluded)))
        if vector.fingerprint != self.index_of:
            raise PreconditionFailed("the index is of another encoder")
        found = admitted(self.ids, self.products, filter)
        ids = [name for name in found if name not in excluded][:count]
        scores = [0.9 - 0.01 * place for place in range(len(ids))]
        generation = Generation("i-1", self.seq)
        return Ranking(ids, scores, generation, look_alikes=self.look_alikes)

    async def fetch(self, product_ids: Sequence[str], *, timeout_s: float) -> NDArray[np.int8]:
        await _behave(self)
        rows = [self.looks.get(name, (0, 0, 0, 0)) for name in product_ids]
        return np.array(rows, np.int8).reshape(len(rows), 4)


@dataclass
class FakeRanking:
    """Knows users by their likings: taste by product id."""

    users: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    sessions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    generation: str = "r-1"
    coming: list[str] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    error: Exception | None = None
    score_error: Exception | None = None
    hangs: bool = False
    looked_up: list[str] = field(default_factory=list)
    scored: list[tuple[str, int]] = field(default_factory=list)

    async def factors(
        self, user_id: str, *, generation: str = "", fresh: bool = False
    ) -> UserFactors | None:
        self.looked_up.append(user_id)
        await _behave(self)
        if self.coming:
            self.generation = self.coming.pop(0)
        return UserFactors(self.generation, user_id.encode()) if user_id in self.users else None

    async def fold_in(
        self,
        product_ids: Sequence[str],
        *,
        timeout_s: float,
        confidences: Sequence[float] = (),
        generation: str = "",
    ) -> UserFactors | None:
        await _behave(self)
        known = [name for name in product_ids if name in self.sessions]
        return UserFactors(self.generation, b"session " + known[-1].encode()) if known else None

    async def tastes(
        self, factors: UserFactors, product_ids: Sequence[str], *, timeout_s: float
    ) -> Tastes:
        await _behave(self)
        if self.score_error:
            raise self.score_error
        self.scored.append((factors.generation, len(product_ids)))
        if factors.generation in self.closed:
            raise PreconditionFailed("another generation is open")
        name = factors.data.decode()
        liked = (
            self.sessions[name.removeprefix("session ")]
            if name.startswith("session ")
            else self.users[name]
        )
        known = np.array([each in liked for each in product_ids])
        mean = float(np.mean([liked[each] for each in product_ids if each in liked] or [0.5]))
        tastes = np.array([liked.get(each, mean) for each in product_ids], np.float32)
        dots = np.where(known, tastes * 4 - 2, 0).astype(np.float32)
        return Tastes(Generation(factors.generation), tastes, known, dots)


@dataclass
class FakeProducts:
    """The products of a catalogue, with the reads counted."""

    products: dict[str, Product]
    token: int = 0
    error: Exception | None = None
    reads: list[tuple[str, ...]] = field(default_factory=list)

    def get_many(self, ids: Sequence[str]) -> Mapping[str, Product]:
        self.reads.append(tuple(ids))
        if self.error is not None:
            raise self.error
        return {name: self.products[name] for name in ids if name in self.products}

    def changes_token(self) -> object:
        return self.token


class FakePhotos:
    """A media store of nothing but these photos."""

    def __init__(self, photos: Mapping[str, bytes]) -> None:
        self.photos = photos

    async def read(self, sha256: str) -> bytes | None:
        return self.photos.get(sha256)


BY_RANKS = TunedFusion(dict.fromkeys(CLASSES, Fusion()))
"""Every class of queries merged by ranks, with equal weights."""


@dataclass
class House:
    """A pipeline on small stages; rankings are merged by ranks unless it says otherwise."""

    text: FakeText = field(default_factory=FakeText)
    image: FakeImage = field(default_factory=FakeImage)
    ranking: FakeRanking = field(default_factory=FakeRanking)
    photos: dict[str, bytes] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    media: Photos | None = None
    shop: Sequence[Product] = ()
    lists: ResultLists = field(default_factory=ProcessLists)
    now: float = 1_700_000_000.0
    tuned: TunedFusion = field(default_factory=lambda: BY_RANKS)

    def __post_init__(self) -> None:
        names = sorted({*self.text.ids, *self.image.ids})
        everything = {each.id: each for each in self.shop or map(product, names)}
        # What the stages know stays as it was when a test changes the catalogue.
        self.text.products = self.image.products = dict(everything)
        self.products = FakeProducts(
            {name: each for name, each in everything.items() if name not in self.gone}
        )
        self.documents = DocumentCache(self.products)
        vectors = VectorCache(None, Keys(b"secret"))
        self.pipeline = SearchPipeline(
            {
                "text": TextLeg(self.text),
                "image": ImageLeg(self.image, vectors, self.media or FakePhotos(self.photos)),
            },
            TasteFinder(self.ranking, self.ranking),
            self.documents,
            self.text,
            Paging(self.lists, Keys(b"secret"), now=lambda: self.now),
            release=lambda: "r-000001",
            tuned=lambda: self.tuned,
            vectors=self.image,
        )

    def stage(self, name: str) -> "FakeText | FakeImage | FakeRanking":
        """A stage by name."""
        stages: dict[str, FakeText | FakeImage | FakeRanking]
        stages = {"text": self.text, "image": self.image, "ranking": self.ranking}
        return stages[name]


def ask(text: str = "red dress", *, parts: Sequence[Part] = (), **options: object) -> Query:
    """A query in words and other parts."""
    first = [words(text, "text")] if text else []
    return Query(parts=(*first, *parts), **options)  # type: ignore[arg-type]  # checked by Query


def admitted(
    ids: Sequence[str], products: Mapping[str, Product], found: ProductFilter | None
) -> list[str]:
    """Those of the products that a filter admits."""
    return [name for name in ids if found is None or admits(found, products[name])]


def rows_of(products: Mapping[str, Product]) -> dict[str, Row]:
    """The price and the time of each product."""
    return {
        name: Row(-1, -1 if each.price_minor is None else each.price_minor, each.added_seq)
        for name, each in products.items()
    }


async def _behave(stage: "FakeText | FakeImage | FakeRanking") -> None:
    if stage.hangs:
        await asyncio.Event().wait()
    await asyncio.sleep(0)
    if stage.error is not None:
        raise stage.error


def terms(hit: RankedProduct) -> Sequence[Term]:
    """The terms of a hit that explains itself."""
    assert hit.explanation is not None
    return hit.explanation.terms


def down(kind: type[ServiceError]) -> ServiceError:
    """An error of a stage."""
    return kind("the stage does not answer")
