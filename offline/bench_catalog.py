"""Makes a synthetic catalogue of any size, to measure speed on."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from catalog.product import Product
from catalog.store import CatalogStore
from offline.bench_vectors import keep_vectors, photo_of, write_vectors
from offline.build_text import build_text
from offline.layout import DataDir
from offline.progress import progress
from runtime.artifacts import Artifact, ArtifactStore
from runtime.errors import SetupError
from services.image_retriever.architecture import FORMAT as ENCODER_FORMAT
from services.image_retriever.architecture import Architecture, Preprocessing, Trained, fingerprint
from services.image_retriever.encoder import Encoder, open_encoder
from services.image_retriever.index import KINDS
from services.image_retriever.index_files import Draft
from services.image_retriever.snapshot import Snapshot
from services.image_retriever.tokenizer import WordTokenizer

WORDS = 5_000
THEMES, THEME_WORDS = 500, 10
DIM, TITLE, NOISE = 512, 0.35, 0.1
SEED = 20
_BATCH, _PIECE = 2_000, 50_000
_MARK = "synthetic"
_ONSETS, _VOWELS, _CODAS = "bdfghklmnprstvwz", "aeiou", ["n", "r", "l", "s", "k", "m"]


def synthetic_catalog(data: DataDir, *, products: int, seed: int = SEED) -> None:
    """Publishes a release of ``products`` products, unless it is there already.

    Titles are 4 to 9 of 5,000 made-up words, drawn by Zipf's law, about half of each from the
    words of one of 500 themes. The encoder has random weights; the vector of a product is the mean
    of its theme's encoded words, a third of that of its own and a little noise, so that vectors
    cluster and a query of words has neighbours worth finding. There are no similarity floors: they
    would be calibrated on photos, which do not exist here, only their vectors do.

    Raises:
        SetupError: The folder holds another catalogue.
    """
    artifacts = ArtifactStore(data.create().artifacts)
    inputs = {"bench": hashlib.sha256(f"5 {products} {seed}".encode()).hexdigest()}
    if artifacts.find("image", format=Snapshot.FORMAT, inputs=inputs) and artifacts.current():
        return
    if data.is_elsewhere:
        raise SetupError("a synthetic catalogue has its own database: unset HEMLINE_DATABASE_URL")
    if data.database.exists() and not (data.root / _MARK).exists():
        raise SetupError(f"{data.root} holds a catalogue of its own: name another folder by --data")
    (data.root / _MARK).touch()
    rng = np.random.default_rng(seed)
    words = _words(rng)
    titles = _titles(rng, words, products)
    trained = _random_encoder(words, seed)
    made = artifacts.publish(
        "encoder",
        format=ENCODER_FORMAT,
        seq=0,
        inputs=inputs,
        write=partial(_write_encoder, trained),
    )
    encoder = open_encoder(made.folder)
    vectors = _vectors(rng, words, titles, encoder)
    asked, _ = encoder.encode_texts(synthetic_queries(products, 200, seed=seed))
    ids = [_id(number) for number in range(products)]
    draft = Draft(ids, vectors, encoder.fingerprint, dict.fromkeys(KINDS), asked)
    _publish(data, artifacts, draft, titles.texts, made)


def _publish(
    data: DataDir, artifacts: ArtifactStore, draft: Draft, titles: list[str], encoder: Artifact
) -> None:
    """Fills the catalogue, and releases its indexes."""
    store = CatalogStore.open(data.database_url, create=True)
    try:
        _fill(store, titles)
        keep_vectors(store, draft.ids, draft.vectors, draft.fingerprint)
        text, seq = build_text(data), store.seq()
        image = artifacts.publish(
            "image",
            format=Snapshot.FORMAT,
            seq=seq,
            inputs=encoder.inputs,
            parents={"encoder": encoder.generation},
            write=partial(write_vectors, store, draft),
        )
    finally:
        store.close()
    made = {"text": text, "encoder": encoder, "image": image}
    artifacts.release({kind: artifact.generation for kind, artifact in made.items()}, seq=seq)


def _fill(store: CatalogStore, titles: list[str]) -> None:
    """Writes the products."""
    with progress("Writing synthetic products", len(titles)) as shown:
        for start in range(0, len(titles), _BATCH):
            batch = list(_products(titles, start))
            store.upsert(batch)
            shown.advance(len(batch))


def synthetic_queries(products: int, count: int, *, seed: int = SEED) -> list[str]:
    """Returns ``count`` queries of one to four words out of the titles of the catalogue."""
    rng = np.random.default_rng(seed)
    titles = _titles(rng, _words(rng), products).texts
    asking = np.random.default_rng(seed + 1)
    queries = []
    for place in asking.choice(len(titles), count, replace=False):
        found = np.array(titles[place].split())
        size = min(len(found), int(asking.integers(1, 5)))
        queries.append(" ".join(asking.choice(found, size, replace=False).tolist()))
    return queries


def _words(rng: np.random.Generator) -> list[str]:
    words: dict[str, None] = {}
    while len(words) < WORDS:
        syllables = rng.integers(2, 4)
        word = "".join(
            _ONSETS[rng.integers(len(_ONSETS))] + _VOWELS[rng.integers(len(_VOWELS))]
            for _ in range(syllables)
        )
        words[word + _CODAS[rng.integers(len(_CODAS))]] = None
    return list(words)


@dataclass(frozen=True, slots=True)
class _Titles:
    """Titles; the theme of each, int64 [products]; the words of each theme, int64 [themes, 10]."""

    texts: list[str]
    theme: NDArray[np.int64]
    themes: NDArray[np.int64]


def _titles(rng: np.random.Generator, words: list[str], products: int) -> _Titles:
    """Titles of three to five words of a theme, as a shop has many of a kind, and some others."""
    weights = 1 / np.arange(1, WORDS + 1)
    cumulative = np.cumsum(weights / weights.sum())
    themes = np.searchsorted(cumulative, rng.random((THEMES, THEME_WORDS))).clip(0, WORDS - 1)
    sizes = 1 / np.sqrt(np.arange(1, THEMES + 1))
    theme = rng.choice(THEMES, products, p=sizes / sizes.sum())
    own = themes[theme[:, None], rng.integers(0, THEME_WORDS, (products, 5))]
    others = np.searchsorted(cumulative, rng.random((products, 4))).clip(0, WORDS - 1)
    counts = np.stack([rng.integers(3, 6, products), rng.integers(1, 5, products)], axis=1)
    texts = [
        " ".join(words[index] for index in (*own[row, :many], *others[row, :few]))
        for row, (many, few) in enumerate(counts)
    ]
    return _Titles(texts, theme, themes)


def _products(titles: list[str], start: int) -> Iterator[Product]:
    for number, title in enumerate(titles[start : start + _BATCH], start):
        yield Product(
            id=_id(number),
            style_id=_id(number),
            title=title,
            brand=f"brand{number % 97}",
            kind=f"kind{number % 31}",
            colour=f"colour{number % 13}",
            price_minor=1_000 + number % 20_000,
            currency="EUR",
            images=(photo_of(_id(number)),),
        )


def _id(number: int) -> str:
    return f"p-{number:06d}"


def _random_encoder(words: list[str], seed: int) -> Trained:
    torch.manual_seed(seed)
    tokenizer = WordTokenizer(words)
    architecture, preprocessing = Architecture(dim=DIM), Preprocessing(image_size=64)
    model = architecture.build(tokenizer, preprocessing.image_size)
    return Trained(model, tokenizer, architecture, preprocessing)


def _write_encoder(trained: Trained, folder: Path) -> Mapping[str, object]:
    trained.write(folder)
    return {"fingerprint": _fingerprint(trained)}


def _fingerprint(trained: Trained) -> str:
    return fingerprint(
        trained.model.state_dict(), trained.tokenizer.digest(), trained.preprocessing
    )


def _vectors(
    rng: np.random.Generator, words: list[str], titles: _Titles, encoder: Encoder
) -> NDArray[np.float32]:
    """Vectors float32 [products, DIM]; made in pieces, for a million of them fill the memory."""
    rows, _ = encoder.encode_texts(words)
    by_word = dict(zip(words, rows, strict=True))
    themes = _units([rows[theme].mean(0) for theme in titles.themes])
    found = np.empty((len(titles.texts), DIM), np.float32)
    for start in range(0, len(found), _PIECE):
        texts = titles.texts[start : start + _PIECE]
        own = _units([np.mean([by_word[word] for word in text.split()], 0) for text in texts])
        noise = rng.standard_normal(own.shape, dtype=np.float32) / np.sqrt(DIM)
        theme = themes[titles.theme[start : start + _PIECE]]
        found[start : start + len(own)] = theme + TITLE * own + NOISE * noise
    return found


def _units(rows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    stacked = np.stack(rows)
    units: NDArray[np.float32] = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    return units
