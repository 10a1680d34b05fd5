"""Promises of the evaluation: what is scored was never learned, and hidden labels are hidden."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.interaction import Interaction
from catalog.media import MediaStore
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.store import CatalogStore
from offline.encoder_figures import encoder_figures
from offline.evaluate_retrieval import (
    HIDDEN,
    INDEXED,
    Candidates,
    EvaluationOptions,
    evaluate_retrieval,
    score_retrieval,
)
from offline.hidden_words import SCORED, scored_words, without_words
from offline.layout import DataDir
from offline.local_stages import KeptVectors, LocalImage, local_pipeline
from offline.progress import progress
from offline.retrieval_report import JSON_FILE, TABLE_FILE, RetrievalReport
from offline.scored_encoder import NO_FLOORS, ScoredEncoder
from offline.split import ensure_split, load_split
from offline.system_figures import (
    AttributeQuery,
    at_random,
    attribute_queries,
    by_popularity,
    figures,
    searched,
)
from runtime.artifacts import ArtifactStore
from runtime.errors import Internal, InvalidArgument, SetupError
from services.gateway.parts import Example, Part, Photo, Words
from services.gateway.pipeline import SearchPipeline
from services.gateway.query import Query
from services.gateway.stages import QueryVector
from services.image_retriever.architecture import FORMAT
from services.image_retriever.index import VectorIndex
from services.reranker.factors import Factors, FactorTables
from services.text_retriever.index import TextIndex
from tests.colours import COLOURS, ColourEncoder, photo
from tests.shop import shop
from tests.test_encoder import trained
from tests.test_train_model import START


def coloured(count: int = 120) -> list[Product]:
    """Products whose colours the test encoder can see."""
    names = list(COLOURS)
    return [
        replace(
            product,
            colour=names[place % 4],
            title=f"{names[place % 4]} {product.attributes['pattern']} {product.kind}",
            description=f"A {product.kind} for {product.gender}, never worn in {names[place % 4]}.",
            category=(product.gender.title(), f"{product.kind}s"),
        )
        for place, product in enumerate(shop(count))
    ]


def vectors_of(products: Sequence[Product]) -> np.ndarray:
    draw = np.random.default_rng(0)
    photos = []
    for product in products:
        flat = np.full((16, 16, 3), COLOURS[product.colour], np.float32)
        photos.append((flat * draw.uniform(0.5, 1.0)).astype(np.uint8))
    return ColourEncoder().encode_photos(photos)


@pytest.fixture(scope="module")
def candidates() -> Candidates:
    products = coloured()
    scored = ScoredEncoder("colours", ColourEncoder(), NO_FLOORS)
    return Candidates(products, vectors_of(products), scored)


@pytest.fixture(scope="module")
def report(candidates: Candidates) -> RetrievalReport:
    return score_retrieval(candidates, {})


def test_a_query_asks_for_all_products_of_its_labels() -> None:
    products = coloured()
    queries = attribute_queries(products)
    assert {query.text for query in queries} >= {
        f"{products[0].colour} {products[0].gender} {products[0].kind}"
    }
    for query in queries:
        labels = {(p.colour, p.gender, p.kind) for p in products if p.id in query.relevant}
        assert len(labels) == 1
        assert query.text == " ".join(labels.pop())
    assert sum(len(query.relevant) for query in queries) == len(products)
    assert not attribute_queries([replace(products[0], colour="")])


def test_words_find_what_a_shop_indexes(report: RetrievalReport) -> None:
    words = report.systems[INDEXED]["words alone"]
    assert words.mrr.mean > 0.95
    assert words.nothing.mean == 0
    assert words.precision.mean > 2 * report.baselines["at random"].precision.mean


def test_with_the_labels_hidden_words_find_nothing(report: RetrievalReport) -> None:
    """The proof that nothing leaks: not one of the queries meets a word of any document."""
    words = report.systems[HIDDEN]["words alone"]
    assert words.nothing.mean == 1.0
    assert words.ndcg.mean == words.recall.mean == words.mrr.mean == 0.0


def test_with_the_labels_hidden_the_picture_is_all_there_is(report: RetrievalReport) -> None:
    hidden = report.systems[HIDDEN]
    assert hidden["words and picture"] == hidden["picture alone"]
    assert hidden["picture alone"] == report.systems[INDEXED]["picture alone"]
    assert hidden["picture alone"].precision.mean > 0


def test_an_encoder_that_sees_colours_is_scored_for_it(report: RetrievalReport) -> None:
    found = report.figures
    assert found["word to photo: colour P@10"].mean == 1.0
    assert found["word to photo: colour P@10"].count == 4
    assert found["word to photo: kind P@10"].mean == 0.0
    assert found["photo to photo: colour P@10"].mean > 0.95
    assert found["title to photo: R@10"].mean < 0.5


def test_an_encoder_that_sees_nothing_scores_nothing() -> None:
    """All vectors are equal: every figure must be the worst, not the luckiest."""
    products = coloured(60)
    same = np.tile(np.array([1, 0, 0, 0], np.float32), (60, 1))

    class Blind(ColourEncoder):
        def encode_texts(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
            return same[: len(texts)] * np.ones((len(texts), 1), np.float32), np.ones(
                len(texts), bool
            )

    found = encoder_figures(Blind(), products, same)
    assert found["title to photo: R@1"].mean == 0.0
    assert found["title to photo: R@10"].mean == 0.0
    assert found["title to photo: MRR"].mean == pytest.approx(1 / 60)
    assert found["word to photo: colour P@10"].mean == 0.0
    assert found["photo to photo: kind P@10"].mean == 0.0


WORDS = st.sampled_from(
    [
        "red",
        "dress",
        "Dresses",
        "t-shirt",
        "tees",
        "tank",
        "top",
        "T",
        "shirt",
        "v-neck",
        "crop",
        "off",
        "white",
        "linen",
        "women's",
        "rain",
        "coat",
        "sun",
        "glasses",
        "&",
        "-",
        "casual",
    ]
)


@given(
    st.lists(WORDS, max_size=12).map(" ".join),
    st.lists(
        st.sampled_from(
            [
                "red",
                "dress",
                "tank top",
                "t-shirt",
                "shirt",
                "top",
                "women",
                "raincoat",
                "casual shoes",
                "crop-top",
            ]
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_no_text_keeps_a_hidden_word(text: str, labels: list[str]) -> None:
    normalizer = Normalizer()
    base = shop(1)[0]
    labelled = [replace(base, kind=label, colour="", gender="") for label in labels]
    hidden = scored_words(labelled, normalizer)
    masked = without_words(
        [
            replace(
                base,
                title=text,
                description=text,
                brand=text,
                category=(text, text),
                season=text,
                attributes={"usage": text},
            )
        ],
        hidden,
        normalizer,
    )[0]
    texts = (
        masked.title,
        masked.description,
        masked.brand,
        *masked.category,
        masked.season,
        *masked.attributes.values(),
    )
    for shown in texts:
        assert hidden.isdisjoint(normalizer.document_tokens(shown))
    assert not any(getattr(masked, column) for column in SCORED)


def test_a_word_that_brings_a_hidden_one_along_goes_too() -> None:
    normalizer = Normalizer()
    hidden = frozenset(normalizer.document_tokens("top"))
    product = replace(shop(1)[0], title="Nike tank top", kind="top")
    assert "tanktop" in normalizer.document_tokens(product.title)
    left = normalizer.document_tokens(without_words([product], hidden, normalizer)[0].title)
    assert "nike" in left
    assert not {"tanktop", "top"} & set(left)


def test_words_that_are_not_scored_stay() -> None:
    normalizer = Normalizer()
    product = replace(shop(1)[0], title="Nike running dress", kind="dress")
    masked = without_words([product], frozenset(["dress"]), normalizer)[0]
    assert normalizer.document_tokens(masked.title) == ["nike", "running"]
    untouched = without_words([product], frozenset(["boots"]), normalizer)[0]
    assert untouched.title == product.title


def test_figures_by_hand() -> None:
    query = AttributeQuery("red dress", frozenset({"a", "b"}))
    found = figures([["x", "a", "y"]], [query])
    assert found.precision.mean == 0.1
    assert found.recall.mean == 0.5
    assert found.mrr.mean == 0.5
    assert found.nothing.mean == 0.0
    nothing = figures([[]], [query])
    assert (nothing.mrr.mean, nothing.nothing.mean) == (0.0, 1.0)


def test_no_system_beats_the_best_there_is(report: RetrievalReport) -> None:
    best = report.baselines["the best there is"]
    assert best.ndcg.mean == best.mrr.mean == pytest.approx(1.0)
    for systems in report.systems.values():
        for found in systems.values():
            assert found.precision.mean <= best.precision.mean
            assert found.recall.mean <= best.recall.mean


def test_popularity_without_any_likes_is_the_worst_order() -> None:
    products = coloured()
    queries = attribute_queries(products)
    flat = by_popularity(products, queries, {})
    assert flat.mrr.mean < at_random(products, queries).mrr.mean
    liked = dict.fromkeys(queries[0].relevant, 5)
    assert by_popularity(products, queries[:1], liked).mrr.mean == 1.0


async def test_an_answer_without_a_stage_is_no_figure(
    candidates: Candidates, tmp_path: Path
) -> None:
    class Stale(LocalImage):
        async def encode(
            self, mixtures: Sequence[Sequence[Part]], *, timeout_s: float
        ) -> Sequence[QueryVector]:
            vectors = await super().encode(mixtures, timeout_s=timeout_s)
            return [replace(vector, fingerprint="another") for vector in vectors]

    pipeline = pipeline_over(candidates, tmp_path, image=Stale)
    queries = attribute_queries(candidates.products)[:1]
    with progress("Searching") as shown, pytest.raises(Internal, match="image_unavailable"):
        await searched(pipeline, queries, "words and picture", shown)


def pipeline_over(
    candidates: Candidates,
    folder: Path,
    *,
    image: type[LocalImage] = LocalImage,
    factors: Factors | None = None,
) -> SearchPipeline:
    for name in ("text", "image"):
        (folder / name).mkdir()
    TextIndex.write(candidates.products, folder / "text")
    ids = [product.id for product in candidates.products]
    VectorIndex.write(
        ids, candidates.photos, folder / "image", fingerprint="colours-1", floors=NO_FLOORS
    )
    return local_pipeline(
        {product.id: product for product in candidates.products},
        text=TextIndex.open(folder / "text"),
        image=image(ColourEncoder(), VectorIndex.open(folder / "image")),
        vectors=KeptVectors(),
        factors=factors,
    )


async def test_stages_in_one_process_know_tastes(candidates: Candidates, tmp_path: Path) -> None:
    ids = [product.id for product in candidates.products]
    liked = ids[-1]
    items = np.zeros((len(ids), 2), np.float32)
    items[:, 1] = 1.0
    items[-1] = (3.0, 0.0)
    tables = FactorTables(ids, ["u-1"], items, np.array([[1, 0]], np.float32), 1.0, 1.0)
    pipeline = pipeline_over(candidates, tmp_path, factors=Factors(tables))
    words = Part(Words("dress shirt coat shorts"), "text")
    asked = Query((words,), page_size=3, personalization=1.0, retrievers=("text",))
    for query in (replace(asked, user_id="u-1"), replace(asked, session_product_ids=(liked,))):
        answer = await pipeline.search(query)
        assert answer.hits[0].product.id == liked
        assert not answer.degraded


async def test_stages_in_one_process_take_examples_but_no_photos(
    candidates: Candidates, tmp_path: Path
) -> None:
    pipeline = pipeline_over(candidates, tmp_path)
    example = candidates.products[0]
    answer = await pipeline.search(Query((Part(Example(example.id), "parts[0]"),), page_size=5))
    assert {hit.product.colour for hit in answer.hits} == {example.colour}
    assert example.id not in {hit.product.id for hit in answer.hits}
    with pytest.raises(InvalidArgument):
        await pipeline.search(Query((Part(Photo(photo("red")), "parts[0]"),)))


def world(folder: Path) -> DataDir:
    """A catalogue with photos and an encoder that was never trained, but says that it was."""
    data = DataDir(folder).create()
    media = MediaStore(data.media)
    products = [
        replace(product, images=(media.put(photo(product.colour, shade=0.3 + place / 300)),))
        for place, product in enumerate(coloured(120))
    ]
    store = CatalogStore.open(data.database_url, create=True)
    store.upsert(products)
    store.close()

    def write(target: Path) -> dict[str, object]:
        trained().write(target)
        return {}

    ArtifactStore(data.artifacts).publish(
        "encoder", format=FORMAT, seq=1, write=write, inputs={"split": ensure_split(data).inputs}
    )
    return data


def test_only_held_out_products_are_searched_and_always_with_the_same_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = world(tmp_path / "data")
    store = CatalogStore.open(data.database_url)
    store.add_interactions([Interaction("e-1", "u-1", "p-0001", "purchase", START)])
    store.close()
    report = evaluate_retrieval(data, EvaluationOptions(report=tmp_path / "out", as_json=True))
    printed = json.loads(capsys.readouterr().out)
    split = load_split(data)
    assert split is not None
    assert report.products == len(split.held_out) < 40
    assert report.baselines["at random"].mrr.count == report.queries
    assert set(report.baselines) == {"the best there is", "at random", "most popular first"}
    assert printed == json.loads((tmp_path / "out" / JSON_FILE).read_text())
    assert printed["products"] == report.products
    table = (tmp_path / "out" / TABLE_FILE).read_text()
    assert f"{report.queries} attribute queries" in table
    assert table.count("| as a shop indexes them |") == 3
    assert evaluate_retrieval(data) == report


def test_an_encoder_of_another_catalogue_is_not_scored(tmp_path: Path) -> None:
    data = world(tmp_path)
    store = CatalogStore.open(data.database_url)
    product = store.get("p-0003")
    assert product is not None
    store.upsert([replace(product, title="another title")])
    store.close()
    with pytest.raises(SetupError, match="another state of the catalogue"):
        evaluate_retrieval(data)


def test_without_an_encoder_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    data = world(tmp_path)
    shutil.rmtree(data.artifacts)
    with pytest.raises(SetupError, match="train clip"):
        evaluate_retrieval(data)
