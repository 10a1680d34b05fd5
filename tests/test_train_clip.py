"""Promises of the training program: it learns, repeats itself, and publishes whole or not."""

import csv
import io
import json
import math
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch.nn import functional

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from offline.clip_loop import Augment, Lessons, Trainer
from offline.clip_loss import photo_photo_loss, text_photo_loss
from offline.clip_options import PRESETS, ClipOptions
from offline.clip_scores import own_ranks, precision
from offline.clip_texts import TextDraw, texts_of
from offline.layout import DataDir
from offline.split import ensure_split
from offline.train_clip import labels_of, train_clip
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from services.image_retriever.architecture import FORMAT, Architecture, Preprocessing
from services.image_retriever.encoder import open_encoder
from services.image_retriever.tokenizer import UNKNOWN, WordTokenizer

KINDS = ("dress", "hat")
COLOURS = {"red": (210, 30, 30), "green": (30, 160, 60), "blue": (40, 60, 200), "black": (20,) * 3}
SMALL = ClipOptions(
    epochs=8,
    batch=32,
    sizes=(24, 32),
    shares=(0.5, 0.5),
    learning_rate=2e-3,
    architecture=Architecture(dim=32, width=32, heads=2, layers=1),
    threads=1,
)


def drawn(number: int) -> tuple[Product, bytes]:
    """A triangle is a dress, a flat disc is a hat; place and size vary."""
    generator = np.random.default_rng(number)
    kind = KINDS[number % 2]
    colour = list(COLOURS)[number // 2 % 4]
    photo = Image.new("RGB", (48, 64), "white")
    x, y = int(generator.integers(18, 30)), int(generator.integers(26, 38))
    reach = int(generator.integers(10, 18))
    pen = ImageDraw.Draw(photo)
    if kind == "dress":
        pen.polygon(
            [(x, y - reach), (x - reach, y + reach), (x + reach, y + reach)], COLOURS[colour]
        )
    else:
        pen.ellipse([x - reach, y - reach // 3, x + reach, y + reach // 3], COLOURS[colour])
    file = io.BytesIO()
    photo.save(file, "PNG")
    product = Product(
        id=f"p-{number:04d}",
        style_id=f"s-{number:04d}",
        title=f"{colour} {kind} number {number}",
        kind=kind,
        colour=colour,
        gender=("women", "men")[number % 3 == 0],
    )
    return product, file.getvalue()


def draw(root: Path, count: int) -> DataDir:
    data = DataDir(root).create()
    media = MediaStore(data.media)
    rows = [drawn(number) for number in range(count)]
    store = CatalogStore.open(data.database_url, create=True)
    store.upsert([replace(product, images=(media.put(photo),)) for product, photo in rows])
    store.close()
    return data


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    """A small trained catalogue, with its run in ``runs/clip-001``."""
    data = draw(tmp_path_factory.mktemp("catalogue"), 320)
    train_clip(data, SMALL)
    return data


def scores(data: DataDir) -> dict[str, float]:
    facts = json.loads((data.runs / "clip-001" / "scores.json").read_text())
    found: dict[str, float] = facts["scores"]
    return found


def test_words_find_the_photos_of_products_never_seen(data: DataDir) -> None:
    found = scores(data)
    assert found["products"] == len(ensure_split(data).held_out) == 48
    assert found["word_kinds"] == 2
    assert found["word_kind_p10"] >= 0.9
    assert found["word_colour_p10"] >= 0.8


def test_the_encoder_is_published_and_opens(data: DataDir) -> None:
    artifacts = ArtifactStore(data.artifacts)
    (generation,) = artifacts.generations("encoder")
    artifact = artifacts.open("encoder", generation, format=FORMAT)
    encoder = open_encoder(artifact.folder)
    assert encoder.fingerprint == artifact.facts["fingerprint"]
    assert encoder.image_size == 32
    assert artifact.facts["scores"] == scores(data)


def test_nothing_is_trained_again_unless_its_input_changed(data: DataDir) -> None:
    (generation,) = ArtifactStore(data.artifacts).generations("encoder")
    assert train_clip(data, replace(SMALL, threads=2)).generation == generation
    store = CatalogStore.open(data.database_url)
    first = next(iter(store.scan()))
    store.upsert([replace(first, price_minor=999, currency="EUR")])
    store.close()
    assert train_clip(data, SMALL).generation == generation
    assert [path.name for path in data.runs.iterdir()] == ["clip-001"]


def test_the_run_folder_tells_how_it_went(data: DataDir) -> None:
    run = data.runs / "clip-001"
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 9))
    assert [int(row["image_size"]) for row in rows] == [24] * 4 + [32] * 4
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert json.loads((run / "config.json").read_text())["epochs"] == 8
    assert "torch" in json.loads((run / "environment.json").read_text())
    assert open_encoder(run / "last").dim == 32


def test_equal_seeds_give_equal_weights_and_others_others(tmp_path: Path) -> None:
    data = draw(tmp_path, 80)
    short = replace(SMALL, epochs=1, sizes=(24,), shares=(1.0,))
    prints = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        folder = tmp_path / name
        train_clip(replace(data, root=_copy(data, folder)), replace(short, seed=seed))
        prints.append(json.loads((folder / "runs/clip-001/scores.json").read_text())["fingerprint"])
    assert prints[0] == prints[1] != prints[2]


def _copy(data: DataDir, folder: Path) -> Path:
    """A data folder of its own with the same catalogue and photos."""
    draw(folder, 80)
    return folder


def test_a_run_that_is_interrupted_leaves_no_artifact_but_its_last_epoch(tmp_path: Path) -> None:
    draw(tmp_path, 80)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from offline.layout import DataDir\n"
        "from offline.train_clip import train_clip\n"
        "from tests.test_train_clip import SMALL\n"
        "from dataclasses import replace\n"
        "train_clip(DataDir(Path(sys.argv[1])), replace(SMALL, epochs=100_000))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=Path(__file__).parent.parent,
        stderr=subprocess.PIPE,
        text=True,
    ) as training:
        assert training.stderr is not None
        # An epoch is kept before the next one begins to tell of itself.
        told = any(re.search(r"epoch (?!1/)\d+/", line) for line in training.stderr)
        training.send_signal(signal.SIGINT)
        training.stderr.read()
    assert told
    assert training.returncode != 0
    assert ArtifactStore(DataDir(tmp_path).artifacts).generations("encoder") == []
    assert open_encoder(tmp_path / "runs" / "clip-001" / "last").image_size == 32


def test_too_few_photos_are_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="too few"):
        train_clip(draw(tmp_path, 10), SMALL)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch": 1},
        {"learning_rate": 0.0},
        {"sizes": (96, 64), "shares": (0.5, 0.5)},
        {"sizes": (64,), "shares": (0.5, 0.5)},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SetupError):
        replace(SMALL, **wrong)  # type: ignore[arg-type]


def test_photos_grow_while_training() -> None:
    options = ClipOptions(epochs=10, sizes=(64, 80, 96), shares=(0.5, 0.3, 0.2))
    assert [options.size_at(epoch) for epoch in range(10)] == [64] * 5 + [80] * 3 + [96] * 2
    assert all(preset.image_size == preset.sizes[-1] for preset in PRESETS.values())


def test_where_and_on_how_many_threads_a_run_works_is_no_input() -> None:
    assert replace(SMALL, run=Path("x"), threads=7).digest() == SMALL.digest()
    assert replace(SMALL, seed=1).digest() != SMALL.digest()


def test_a_text_that_fits_two_photos_shares_its_target() -> None:
    """By hand: two equal rows, one text for both: each logit is 0, each target a half."""
    rows = functional.normalize(torch.ones(2, 3), dim=1)
    both = torch.ones(2, 2, dtype=torch.bool)
    scale = torch.tensor(10.0)
    assert text_photo_loss(rows, rows, scale, both).item() == pytest.approx(math.log(2))
    apart = torch.eye(2)
    own = torch.eye(2, dtype=torch.bool)
    hand = math.log(1 + math.exp(-10))
    assert text_photo_loss(apart, apart, scale, own).item() == pytest.approx(hand, abs=1e-6)
    # Where a text fits both, a model that tells them apart is wrong about one.
    assert text_photo_loss(apart, apart, scale, both).item() == pytest.approx(5 + hand, abs=1e-4)


def test_photos_of_equal_label_attract_and_strangers_do_not() -> None:
    photos = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    hand = math.log(1 + math.exp(-1 / 0.1))
    loss = photo_photo_loss(photos, torch.tensor([4, 4, 5]), temperature=0.1)
    assert loss.item() == pytest.approx(hand, abs=1e-6)
    unknown = photo_photo_loss(photos, torch.tensor([-1, -1, -1]), temperature=0.1)
    assert unknown.item() == 0


def test_labels_are_pairs_of_kind_and_colour() -> None:
    def of(kind: str, colour: str) -> Product:
        return Product(id="x", style_id="x", title="x", kind=kind, colour=colour)

    rows = [of("hat", "red"), of("hat", "blue"), of("hat", "red"), of("hat", ""), of("", "red")]
    assert labels_of(rows).tolist() == [0, 1, 0, -1, -1]


SHIRT = Product(
    id="1",
    style_id="1",
    title="Arrow Men Blue Shirt",
    kind="shirt",
    colour="blue",
    gender="men",
    season="summer",
    attributes={"usage": "casual", "year": "2011", "pattern": "striped"},
)


def test_a_product_is_told_by_its_title_and_its_attributes() -> None:
    texts = dict(texts_of(SHIRT))
    assert texts["Arrow Men Blue Shirt"] == max(texts.values())
    assert {"men blue shirt", "blue shirt", "casual shirt", "summer shirt", "striped shirt"} <= set(
        texts
    )
    assert not any("2011" in text for text in texts)


def test_texts_are_drawn_by_weight_and_fit_all_they_hold_for() -> None:
    other = replace(SHIRT, id="2", title="Peter Blue Shirt", gender="women")
    bag = Product(id="3", style_id="3", title="Puma Black Bag", kind="bag", colour="black")
    products = [SHIRT, other, bag]
    tokenizer = WordTokenizer.learn([text for row in products for text, _ in texts_of(row)] * 2)
    draw = TextDraw(products, tokenizer)
    generator = np.random.default_rng(0)
    titles = tokenizer.encode([product.title for product in products])
    rows, drawn_titles = np.arange(3), 0
    for _ in range(400):
        drawn = draw.draw(rows, generator, word_dropout=0.0)
        assert np.diagonal(drawn.fits).all()
        assert not drawn.fits[2, :2].any()
        assert not drawn.fits[:2, 2].any()
        is_title = bool((drawn.ids[0] == titles[0]).all())
        drawn_titles += is_title
        if is_title:
            assert not drawn.fits[0, 1]
        if (drawn.ids[0] == tokenizer.encode(["blue shirt"])[0]).all():
            assert drawn.fits[0, 1]
    weights = [weight for text, weight in texts_of(SHIRT) if text]
    assert drawn_titles / 400 == pytest.approx(2.0 / sum(weights), abs=0.08)


def test_dropped_words_become_unknown_and_padding_stays() -> None:
    tokenizer = WordTokenizer.learn([text for text, _ in texts_of(SHIRT)] * 2)
    draw = TextDraw([SHIRT], tokenizer)
    drawn = draw.draw(np.zeros(1, np.int64), np.random.default_rng(0), word_dropout=1.0)
    assert set(drawn.ids[0].tolist()) == {0, UNKNOWN}


def test_a_product_without_words_does_not_speak() -> None:
    silent = Product(id="2", style_id="2", title="???")
    tokenizer = WordTokenizer.learn(["blue shirt"] * 2)
    assert TextDraw([SHIRT, silent], tokenizer).speaks().tolist() == [True, False]


def test_a_batch_is_cropped_as_one_and_mirrored_one_by_one() -> None:
    pixels = np.zeros((40, 36, 36, 3), np.uint8)
    pixels[:, :, :18] = 255
    found = Augment(Preprocessing(32), zoom=1.0)(pixels, 32, np.random.default_rng(0))
    assert found.shape == (40, 3, 32, 32)
    assert found.is_contiguous(memory_format=torch.channels_last)
    left = found[:, 0, 16, 2] > found[:, 0, 16, 29]
    assert 0 < int(left.sum()) < 40
    assert found.max() == pytest.approx(2.0)
    assert found.min() == pytest.approx(-2.0)


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    products = [replace(drawn(number)[0], id=str(number)) for number in range(8)]
    tokenizer = WordTokenizer.learn([text for row in products for text, _ in texts_of(row)])
    preprocessing = Preprocessing(32)
    model = SMALL.architecture.build(tokenizer, 32)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    pixels = np.zeros((8, 36, 36, 3), np.uint8)
    lessons = Lessons(pixels, TextDraw(products, tokenizer), labels_of(products))
    trainer = Trainer(model, lessons, preprocessing, replace(SMALL, batch=8))
    with pytest.raises(SetupError, match="learning rate"):
        next(trainer.epoch(0))


def test_ties_count_against_the_encoder() -> None:
    assert own_ranks(np.ones((20, 20), np.float32))["title_r10"] == 0
    assert own_ranks(np.eye(20, dtype=np.float32)) == {
        "title_r1": 1.0,
        "title_r10": 1.0,
        "title_mrr": 1.0,
    }


def test_precision_counts_the_first_ten() -> None:
    row = -np.arange(20, dtype=np.float32)[None]
    words = ["hat"] * 5 + ["bag"] * 15
    assert precision(row, ["hat"], words) == pytest.approx(0.5)
    assert precision(np.concatenate([row, row]), ["bag", ""], words) == pytest.approx(0.5)
    assert precision(row, [""], words) == 0.0
