"""Trains a small CLIP on a catalogue's photos and publishes it as its encoder."""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from offline.clip_loop import Lessons, Trainer
from offline.clip_options import ClipOptions
from offline.clip_photos import Photos, read_photos
from offline.clip_run import EpochRow, RunFolder
from offline.clip_scores import Scores, score
from offline.clip_texts import TextDraw, texts_of
from offline.layout import DataDir
from offline.progress import progress, say
from offline.split import Split, ensure_split
from runtime.artifacts import Artifact, ArtifactStore
from runtime.errors import SetupError
from services.image_retriever.architecture import FORMAT, Preprocessing, Trained
from services.image_retriever.decode import UndecodablePhoto
from services.image_retriever.decode_bulk import decode_many
from services.image_retriever.encoder import open_encoder
from services.image_retriever.tokenizer import WordTokenizer


@dataclass(frozen=True, slots=True)
class _Seconds:
    """Time that a training took: on the wall, and of all processors together."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "_Seconds":
        return cls(time.monotonic(), time.process_time())

    def since(self, start: "_Seconds") -> "_Seconds":
        return _Seconds(self.wall - start.wall, self.cpu - start.cpu)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a run learns from, and what it is scored on."""

    learned: tuple[Product, ...]
    held_out: tuple[Product, ...]
    inputs: Mapping[str, str]
    seq: int


def train_clip(data: DataDir, options: ClipOptions) -> Artifact:
    """Trains on the products that are not held out, scores on those that are, and publishes.

    Nothing is trained when an encoder of the same lessons and options is there already. The
    held-out products decide nothing: the last weights are the result.

    Returns:
        The ``encoder`` artifact; its facts hold the scores, the seconds and the fingerprint.

    Raises:
        SetupError: There is no catalogue, or too few products have photos.
    """
    artifacts, media = ArtifactStore(data.artifacts), MediaStore(data.media)
    plan = _plan(data, options)
    kept = artifacts.find("encoder", format=FORMAT, inputs=plan.inputs)
    if kept is not None:
        say(f"The encoder {kept.generation} is made of the same photos and options: kept")
        return kept
    run = RunFolder.start(data.runs, options)
    say(
        f"Training on {len(plan.learned)} products, {len(plan.held_out)} held out; "
        f"the run is in {run.folder}"
    )
    photos = read_photos(plan.learned, media, size=options.stored_size)
    trained, seconds = _train(photos, options, run)
    scores = _score(run, plan.held_out, media)
    facts = _facts(trained, options, scores, seconds, learned=len(photos.products))
    run.scores(facts)

    def write(folder: Path) -> Mapping[str, object]:
        trained.write(folder)
        return facts

    artifact = artifacts.publish(
        "encoder", format=FORMAT, seq=plan.seq, write=write, inputs=plan.inputs
    )
    say(_summary(scores, seconds, artifact))
    return artifact


def labels_of(products: Sequence[Product]) -> NDArray[np.int64]:
    """Numbers the pairs of kind and colour, int64 ``[n]``; -1 where either is unknown."""
    numbers: dict[tuple[str, str], int] = {}
    return np.array(
        [
            numbers.setdefault((product.kind, product.colour), len(numbers))
            if product.kind and product.colour
            else -1
            for product in products
        ],
        np.int64,
    )


def _plan(data: DataDir, options: ClipOptions) -> _Plan:
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        seq = store.seq()
        pictured = [product for product in store.scan() if product.images]
    finally:
        store.close()
    split = ensure_split(data)
    out = frozenset(split.held_out)
    learned = tuple(product for product in pictured if product.id not in out)
    if len(learned) < options.batch:
        raise SetupError(
            f"{len(learned)} products with photos are too few to train on: "
            f"a batch takes {options.batch}"
        )
    held_out = tuple(product for product in pictured if product.id in out)
    return _Plan(learned, held_out, _inputs(pictured, split, options), seq)


def _inputs(pictured: Sequence[Product], split: Split, options: ClipOptions) -> dict[str, str]:
    """Returns digests of all that an encoder is made of: a new price makes no new encoder."""
    lessons = hashlib.sha256()
    for product in pictured:
        row = [product.id, product.images[0], *(text for text, _ in texts_of(product) if text)]
        lessons.update(json.dumps(row).encode())
    return {"lessons": lessons.hexdigest(), "split": split.inputs, "options": options.digest()}


def _train(photos: Photos, options: ClipOptions, run: RunFolder) -> tuple[Trained, _Seconds]:
    torch.set_num_threads(options.threads or os.cpu_count() or 1)
    preprocessing = Preprocessing(options.image_size)
    said = (text for product in photos.products for text, _ in texts_of(product))
    tokenizer = WordTokenizer.learn(said)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model = options.architecture.build(tokenizer, options.image_size)
        trained = Trained(model, tokenizer, options.architecture, preprocessing)
        trainer = Trainer(model, _lessons(photos, tokenizer), preprocessing, options)
        start = _Seconds.now()
        with progress("Training", options.epochs * trainer.steps) as bar:
            for number in range(options.epochs):
                begun = time.monotonic()
                losses: list[float] = []
                for step in trainer.epoch(number):
                    losses.append(step.loss)
                    bar.note(f"epoch {number + 1}/{options.epochs}, loss {step.loss:.2f}")
                    bar.advance()
                took = _Seconds.now().since(start)
                row = EpochRow(
                    epoch=number + 1,
                    image_size=options.size_at(number),
                    loss=round(float(np.mean(losses)), 4),
                    learning_rate=step.learning_rate,
                    scale=round(trainer.scale, 2),
                    photos_per_s=round(len(losses) * trainer.batch / (time.monotonic() - begun), 1),
                    wall_s=round(took.wall, 1),
                    cpu_s=round(took.cpu, 1),
                )
                run.epoch(row, trained)
    return trained, _Seconds.now().since(start)


def _lessons(photos: Photos, tokenizer: WordTokenizer) -> Lessons:
    texts = TextDraw(photos.products, tokenizer)
    rows = np.flatnonzero(texts.speaks())
    products = [photos.products[row] for row in rows]
    pixels = photos.pixels if len(rows) == len(photos.pixels) else photos.pixels[rows]
    if len(rows) < len(photos.products):
        texts = TextDraw(products, tokenizer)
    return Lessons(pixels, texts, labels_of(products))


def _score(run: RunFolder, products: Sequence[Product], media: MediaStore) -> Scores:
    """Scores the encoder that the run left, opened and fed as the online stage does it."""
    encoder = open_encoder(run.folder / "last", precision="fp32")
    files = (media.get(product.images[0]) or b"" for product in products)
    pairs = list(zip(products, decode_many(files, size=encoder.image_size), strict=True))
    kept = [
        (product, pixels) for product, pixels in pairs if not isinstance(pixels, UndecodablePhoto)
    ]
    return score(encoder, [product for product, _ in kept], [pixels for _, pixels in kept])


def _facts(
    trained: Trained, options: ClipOptions, scores: Scores, seconds: _Seconds, *, learned: int
) -> dict[str, object]:
    return {
        "fingerprint": trained.fingerprint(),
        "scores": scores,
        "epochs": options.epochs,
        "image_size": options.image_size,
        "learned": learned,
        "wall_s": round(seconds.wall, 1),
        "cpu_s": round(seconds.cpu, 1),
    }


def _summary(scores: Scores, seconds: _Seconds, artifact: Artifact) -> str:
    return (
        f"Encoder {artifact.generation}: title finds its photo among {scores['products']:.0f} "
        f"held out: R@1 {scores['title_r1']:.3f}, R@10 {scores['title_r10']:.3f}; "
        f"P@10 of a kind's word {scores['word_kind_p10']:.3f}, of a colour's "
        f"{scores['word_colour_p10']:.3f}; {seconds.wall:.0f} s, {seconds.cpu:.0f} CPU s"
    )
