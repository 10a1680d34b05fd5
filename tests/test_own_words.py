"""Promises of encoders that read many languages: they are asked in the shopper's own words."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from catalog.columns import Columns
from catalog.lexicon import Lexicon
from catalog.product import Product
from catalog.words import WordTable
from fashion.image.v1 import image_retriever_pb2 as pb
from offline.encoder_words import gets_own_words
from offline.layout import DataDir
from offline.local_stages import KeptVectors, LocalImage, local_pipeline
from runtime.artifacts import Artifact, ArtifactStore
from runtime.errors import InvalidArgument
from services.gateway.clients import ImageClient
from services.gateway.legs import part_key
from services.gateway.parts import Part, Words, words
from services.gateway.query import Query
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from services.image_retriever.architecture import Architecture, Preprocessing
from services.image_retriever.canary import Canaries
from services.image_retriever.encoder import ClipEncoder, Encoder, Parts
from services.image_retriever.index import VectorIndex
from services.image_retriever.index_files import Draft
from services.image_retriever.languages import reads_many_languages
from services.image_retriever.pair import OWN_WORDS, Openers, PairOpener
from services.image_retriever.parts import Mixture
from services.image_retriever.parts import Words as EncodedWords
from services.image_retriever.servicer_mixtures import read_mixture
from services.image_retriever.snapshot import Snapshot, packed_shas
from services.image_retriever.tokenizer import WordTokenizer
from services.text_retriever.index import TextIndex

ASKED = "marineblaues Kleid ohne Ärmel unter 80 Euro"
SHOP = [
    Product(
        id=f"p-{number}",
        style_id=f"s-{number}",
        title=f"{colour} {kind}",
        kind=kind,
        colour=colour,
        price_minor=4900,
        currency="EUR",
        images=(f"{number:064x}",),
        attributes={"sleeve": "sleeveless"},
    )
    for number, (colour, kind) in enumerate([("navy", "dress"), ("red", "dress"), ("navy", "coat")])
]


@dataclass
class Listening:
    """A small encoder of random weights that notes what it is asked."""

    inner: Encoder
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fingerprint, self.dim = self.inner.fingerprint, self.inner.dim
        self.image_size = self.inner.image_size

    def encode_texts(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        self.heard += texts
        return self.inner.encode_texts(texts)

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return self.inner.encode_photos(photos)


def random_encoder() -> Encoder:
    said = ["navy", "dress", "coat", "marineblaues", "kleid"]
    tokenizer = WordTokenizer.learn([*said, *said])
    shape = Architecture(dim=16, width=16, heads=2, layers=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return ClipEncoder(Parts(shape.build(tokenizer, 32), tokenizer, Preprocessing(32)))


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    table, lexicon = WordTable.default(), Lexicon.default()
    return Understanding(Vocabulary.gather(SHOP, table=table, lexicon=lexicon))


@pytest.mark.parametrize("own_words", [True, False])
async def test_the_picture_side_is_asked_as_the_encoder_reads(
    own_words: bool, understanding: Understanding, tmp_path: Path
) -> None:
    for name in ("text", "image"):
        (tmp_path / name).mkdir()
    TextIndex.write(SHOP, tmp_path / "text")
    encoder = Listening(random_encoder())
    rows = np.random.default_rng(0).standard_normal((3, encoder.dim)).astype(np.float32)
    VectorIndex.write(
        [each.id for each in SHOP],
        rows,
        tmp_path / "image",
        fingerprint=encoder.fingerprint,
        floors={},
    )
    held = {each.id: each for each in SHOP}
    index = VectorIndex.open(tmp_path / "image")
    pipeline = local_pipeline(
        held,
        text=TextIndex.open(tmp_path / "text"),
        image=LocalImage(encoder, index, held, own_words=own_words),
        vectors=KeptVectors(),
        understanding=understanding,
    )
    answer = await pipeline.search(Query(parts=(words(ASKED, "text"),)))
    assert answer.coverage["image"] == "ok"
    assert encoder.heard[0] == ("marineblaues Kleid" if own_words else "navy dress")


def test_own_words_are_without_prices_exclusions_and_fillers(understanding: Understanding) -> None:
    def own(text: str) -> str:
        return understanding.read(text).own

    assert own(ASKED) == "marineblaues Kleid"
    assert own("navy dress under 80") == "navy dress"
    assert own("검정 말고 남색 원피스") == "남색 원피스"
    assert own("ich suche ein navyblaues Abendkleid").endswith("navyblaues Abendkleid")
    assert own("drss") == understanding.read("drss").readable, "what is misspelt is mended"


def test_both_wordings_reach_the_image_stage() -> None:
    part = pb.QueryPart(text="navy dress", own_text="marineblaues Kleid")
    query = pb.EncodeQuery(parts=[part])
    for in_own_words, wanted in ((True, "marineblaues Kleid"), (False, "navy dress")):
        read = read_mixture(query, 0.0, 1.0, in_own_words=in_own_words)
        assert isinstance(read, Mixture)
        assert read.parts == [EncodedWords(wanted)]
    plain = read_mixture(pb.EncodeQuery(parts=[pb.QueryPart(text="a")]), 0, 1, in_own_words=True)
    assert isinstance(plain, Mixture)
    assert plain.parts == [EncodedWords("a")]
    alone = pb.EncodeQuery(parts=[pb.QueryPart(product_id="p-1", own_text="a")])
    refused = read_mixture(alone, 0.0, 1.0)
    assert isinstance(refused, InvalidArgument)
    assert refused.field == "parts[0].own_text"


class _Replicas:
    """Keeps the request, and answers it with one vector."""

    def __init__(self) -> None:
        self.asked: list[pb.EncodeQueriesRequest] = []

    async def call(self, method: object, request: object, **options: object) -> object:
        assert isinstance(request, pb.EncodeQueriesRequest)
        self.asked.append(request)
        vector = np.ones(1, "<f4").tobytes()
        encoded = pb.EncodedQuery(vector=vector, kind=pb.QUERY_KIND_TEXT)
        return pb.EncodeQueriesResponse(queries=[encoded], encoder_fingerprint="f")


async def test_the_gateway_sends_both_wordings() -> None:
    replicas = _Replicas()
    client = ImageClient(replicas, replicas)  # type: ignore[arg-type]  # a small fake
    await client.encode([[Part(Words("navy dress", "", "marineblaues Kleid"), "t")]], timeout_s=1)
    [sent] = replicas.asked[0].queries[0].parts
    assert (sent.text, sent.own_text) == ("navy dress", "marineblaues Kleid")


async def test_vectors_are_kept_apart_by_both_wordings() -> None:
    parts = [Part(Words("navy dress", "", own), "text") for own in ("", "Kleid", "원피스")]
    keys = {await part_key(part) for part in parts}
    assert len(keys) == 3
    same = await part_key(Part(Words("navy dress", "other lookup"), "text"))
    assert same in keys


@pytest.mark.parametrize(
    ("spec", "many"),
    [
        ("open_clip:ViT-B-16-SigLIP2-256/webli", True),
        ("open_clip:ViT-B-16-SigLIP-i18n-256/webli", True),
        ("open_clip:xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k", True),
        ("mt5-base-ViT-B-32/random", True),
        ("nllb-clip-base/v1", True),
        ("hf-hub:timm/ViT-B-16-SigLIP2", True),
        ("open_clip:ViT-B-32/laion2b_s34b_b79k", False),
        ("open_clip:ViT-B-16-SigLIP/webli", False),
        ("roberta-ViT-B-32/random", False),
        ("hf-hub:Marqo/marqo-fashionSigLIP", False),
    ],
)
def test_models_are_known_by_their_tokenizers(spec: str, many: bool) -> None:
    assert reads_many_languages(spec) is many


def test_a_folder_is_known_by_its_configuration(tmp_path: Path) -> None:
    assert not reads_many_languages(str(tmp_path))
    body = {"model_cfg": {"text_cfg": {"hf_tokenizer_name": "xlm-roberta-base"}}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(body))
    assert reads_many_languages(str(tmp_path))


def test_a_shop_can_say_what_its_encoder_reads(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data").create()
    trained = Artifact("encoder", "000001-0badcafe", 1, 0, {}, {}, {}, tmp_path)
    assert not gets_own_words(data, trained, multilingual=False)
    assert gets_own_words(data, trained, multilingual=True)
    assert gets_own_words(data, "hf-hub:somebody/unheard-of", multilingual=True)
    data.words.write_text('language = "de"\n')
    assert gets_own_words(data, trained, multilingual=False), "it learned German words alone"


@pytest.mark.parametrize("own_words", [True, False, None])
def test_the_image_stage_goes_by_the_fact_of_its_artifact(
    own_words: bool | None, tmp_path: Path
) -> None:
    encoder, store = random_encoder(), ArtifactStore(tmp_path)
    rows = np.random.default_rng(0).standard_normal((3, encoder.dim)).astype(np.float32)
    ids = [each.id for each in SHOP]

    def write(folder: Path) -> dict[str, object]:
        facts = Snapshot.write(
            Draft(ids, rows, encoder.fingerprint, {}),
            folder,
            faces=packed_shas([each.images[0] for each in SHOP]),
            waiting={},
            columns=Columns.build(SHOP),
        )
        canaries = Canaries.write(["navy"], encoder, folder)
        told = {} if own_words is None else {OWN_WORDS: own_words}
        recorded = canaries.record(VectorIndex.open(folder), ids, rows, folder)
        return {**facts, **told, "canaries": recorded}

    made = store.publish("image", format=Snapshot.FORMAT, seq=1, write=write)
    release = store.release({"image": made.generation}, seq=1)
    pair = PairOpener(store, Openers(lambda spec: encoder))(release)
    assert pair.own_words is bool(own_words)
