"""Promises of the image build: each photo once, each product told, floors that lose no real hit."""

import dataclasses
import hashlib
import io
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from catalog.feed import ChangeFeed
from catalog.media import MediaStore
from catalog.product import Product
from catalog.product_filter import Condition
from catalog.store import CatalogStore
from offline.build_image import build_image
from offline.layout import DataDir
from offline.photo_vectors import PhotoDesk
from offline.similarity_floors import floor_between, nonsense_photos, nonsense_texts
from runtime.artifacts import Artifact, ArtifactStore
from services.image_retriever.architecture import FORMAT, Architecture, Preprocessing, Trained
from services.image_retriever.canary import Canaries
from services.image_retriever.encoder import open_encoder
from services.image_retriever.index import VectorIndex
from services.image_retriever.pair import Openers, PairOpener
from services.image_retriever.snapshot import Snapshot
from services.image_retriever.tokenizer import WordTokenizer
from tests.colours import COLOURS, ColourEncoder, photo


def jpeg(width: int, height: int, seed: int) -> bytes:
    draw = np.random.default_rng(seed).integers(0, 255, (6, 4, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(draw).resize((width, height)).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="module")
def trained() -> Trained:
    torch.manual_seed(0)
    tokenizer = WordTokenizer(["red", "dress", "blue", "jeans"])
    architecture = Architecture(dim=32, width=32, heads=2, layers=1)
    model = architecture.build(tokenizer, 32)
    return Trained(model, tokenizer, architecture, Preprocessing(image_size=32))


def publish(data: DataDir, trained: Trained) -> Artifact:
    def write(folder: Path) -> dict[str, object]:
        trained.write(folder)
        return {"fingerprint": trained.fingerprint()}

    return ArtifactStore(data.artifacts).publish("encoder", format=FORMAT, seq=0, write=write)


def product(product_id: str, *images: str) -> Product:
    return Product(id=product_id, style_id=product_id, title="red dress", images=images)


class Built(NamedTuple):
    """A data folder, the encoder in it, and the index that was built of both."""

    data: DataDir
    encoder: Artifact
    image: Artifact


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Built:
    data = shop(tmp_path_factory.mktemp("shop"))
    encoder = publish(data, trained)
    return Built(data, encoder, build_image(data, encoder, workers=2))


def shop(folder: Path) -> DataDir:
    """Returns thirty products with a photo, one without, and some whose photos are bad."""
    data = DataDir(folder / "data").create()
    media = MediaStore(data.media)
    products = [
        product(f"p-{n:02d}", media.put(jpeg(60 + n, 80, n), durable=False)) for n in range(30)
    ]
    large, medium = media.put(jpeg(600, 900, 90)), media.put(jpeg(300, 200, 91))
    broken = media.put(jpeg(400, 400, 92)[:700])
    products += [
        product("large", large),
        product("medium", medium),
        product("broken", broken),
        product("second", broken, products[3].images[0]),
        product("missing", "0" * 64),
        product("wordy"),
    ]
    store = CatalogStore.open(data.database_url, create=True)
    store.upsert(products)
    store.close()
    return data


def states(data: DataDir) -> dict[str, str]:
    store = CatalogStore.open(data.database_url)
    found = {each.id: each.image_state for each in store.scan()}
    store.close()
    return found


def test_products_with_a_good_photo_are_indexed_and_all_are_told(built: Built) -> None:
    index = VectorIndex.open(built.image.folder)
    assert len(index) == 33
    assert index.fingerprint == built.encoder.facts["fingerprint"]
    told = states(built.data)
    assert told["p-00"] == told["large"] == told["second"] == "embedded"
    assert told["broken"] == "rejected(broken)"
    assert told["missing"] == "rejected(missing)"
    assert told["wordy"] == "none"
    # The second photo of "second" is the photo of p-03.
    assert np.array_equal(vector(index, "second"), vector(index, "p-03"))


def vector(index: VectorIndex, product_id: str) -> NDArray[np.float32]:
    found = index.vector_of(product_id)
    assert found is not None
    return found


def test_the_manifest_tells_what_was_built(built: Built) -> None:
    facts = built.image.facts
    assert built.image.parents == {"encoder": built.encoder.generation}
    assert (facts["n"], facts["dim"], facts["choice"]) == (33, 32, "exact")
    assert facts["recall_at_50"] == 1.0
    assert facts["fingerprint"] == built.encoder.facts["fingerprint"]
    floors = facts["floors"]
    assert isinstance(floors, dict)
    assert set(floors) == {"text", "photo", "mixed"}
    # No word of nonsense is known to this encoder, so there is nothing to cut off.
    assert floors["text"] is None
    assert isinstance(facts["canaries"], list)
    canary = next(each for each in facts["canaries"] if each["query"] == "red dress")
    assert len(canary["ids"]) == 5


def test_only_large_photos_get_thumbnails(built: Built) -> None:
    media = MediaStore(built.data.media)
    store = CatalogStore.open(built.data.database_url)
    found = store.get_many(["large", "medium", "p-00"])
    store.close()
    widths = {
        product_id: [width for width in (256, 512) if media.path(each.images[0], width)]
        for product_id, each in found.items()
    }
    assert widths == {"large": [256, 512], "medium": [256], "p-00": []}
    thumbnail = media.get(found["large"].images[0], 256)
    assert thumbnail is not None
    assert Image.open(io.BytesIO(thumbnail)).size == (256, 384)


def test_what_was_built_can_be_served(built: Built) -> None:
    store = ArtifactStore(built.data.artifacts)
    release = store.release(
        {"image": built.image.generation, "encoder": built.encoder.generation}, seq=1
    )
    pair = PairOpener(store, Openers(open_encoder))(release)
    assert pair.encoder is not None
    assert pair.encoder.fingerprint == pair.view.fingerprint
    assert Canaries.open(built.image.folder).texts[0] == "red dress"


def test_nothing_is_built_again_unless_something_changed(tmp_path: Path, trained: Trained) -> None:
    data = shop(tmp_path)
    encoder = publish(data, trained)
    first = build_image(data, encoder, workers=2)
    with_store = CatalogStore.open(data.database_url)
    seq = with_store.seq()
    assert build_image(data, encoder, workers=2) == first
    assert with_store.seq() == seq, "a second build changes nothing in the catalogue"
    one = with_store.get("p-00")
    assert one is not None
    with_store.upsert([dataclasses.replace(one, price_minor=99, currency="EUR")])
    cheap = build_image(data, encoder, workers=2)
    assert cheap.generation != first.generation
    snapshot = Snapshot.open(cheap.folder)
    below = Condition("price_minor", lt=100)
    columns = snapshot.columns.view()
    assert [columns.ids[row] for row in np.flatnonzero(columns.mask(below)).tolist()] == ["p-00"]
    with_store.upsert([product("new", MediaStore(data.media).put(jpeg(50, 50, 77)))])
    with_store.close()
    second = build_image(data, encoder, workers=2)
    assert second.facts["n"] == 34
    assert second.seq > cheap.seq > first.seq


def test_a_photo_that_comes_late_is_embedded_by_the_next_build(
    tmp_path: Path, trained: Trained
) -> None:
    data = shop(tmp_path)
    encoder = publish(data, trained)
    late = jpeg(70, 70, 123)
    store = CatalogStore.open(data.database_url)
    store.upsert([product("late", hashlib.sha256(late).hexdigest())])
    first = build_image(data, encoder, workers=2)
    assert states(data)["late"] == "rejected(missing)"
    assert "late" in Snapshot.open(first.folder).waiting
    MediaStore(data.media).put(late)
    second = build_image(data, encoder, workers=2)
    store.close()
    assert second.facts["n"] == 34
    assert states(data)["late"] == "embedded"
    assert "late" not in Snapshot.open(second.folder).waiting


def test_the_artifact_names_a_change_before_its_content(tmp_path: Path, trained: Trained) -> None:
    """Whoever follows from there on applies everything that came while it was made."""
    data = shop(tmp_path)
    image = build_image(data, publish(data, trained), workers=2)
    store = CatalogStore.open(data.database_url)
    assert image.seq == store.seq()
    following = ChangeFeed(store, fingerprint=str(image.facts["fingerprint"])).read(image.seq)
    store.close()
    assert following.seq == image.seq


def test_the_encoder_of_an_index_may_be_named(
    tmp_path: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No photo anywhere, and the encoder is a folder: the index is empty and names the folder."""
    data, folder = DataDir(tmp_path / "data").create(), tmp_path / "encoder"
    store = CatalogStore.open(data.database_url, create=True)
    store.upsert([product("wordy")])
    store.close()
    folder.mkdir()
    trained.write(folder)
    monkeypatch.chdir(tmp_path)
    artifact = build_image(data, folder.name)
    assert artifact.facts["encoder"] == str(folder)
    artifacts = ArtifactStore(data.artifacts)
    pair = PairOpener(artifacts, Openers(open_encoder))(
        artifacts.release({"image": artifact.generation}, seq=1)
    )
    assert len(pair.view) == 0
    assert pair.view.dim == 32
    assert pair.view.floors == {"text": None, "photo": None, "mixed": None}
    assert pair.encoder is not None
    assert pair.encoder.fingerprint == trained.fingerprint()


class CountingEncoder(ColourEncoder):
    """Counts, and is pulled out from under the build where told to."""

    def __init__(self, breaks_after: int = 1_000_000) -> None:
        super().__init__()
        self._left = breaks_after

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        if self._left < len(photos):
            raise KeyboardInterrupt
        self._left -= len(photos)
        return super().encode_photos(photos)


def colour_photos(media: MediaStore, count: int) -> list[str]:
    names = list(COLOURS)
    return [
        media.put(photo(names[n % 4], shade=1 - n / 400, size=(20 + n % 7, 20)), durable=False)
        for n in range(count)
    ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CatalogStore]:
    opened = CatalogStore.open(f"sqlite:///{tmp_path}/catalog.sqlite", create=True)
    yield opened
    opened.close()


def embed(
    store: CatalogStore,
    media: MediaStore,
    encoder: ColourEncoder,
    images: Sequence[tuple[str, ...]],
) -> dict[str, bool]:
    desk = PhotoDesk(
        store, media, fingerprint=encoder.fingerprint, encoder=lambda: encoder, workers=2
    )
    try:
        return desk.embed(images)
    finally:
        desk.close()


def test_a_photo_is_embedded_once_for_each_encoder(tmp_path: Path, store: CatalogStore) -> None:
    media, encoder = MediaStore(tmp_path / "media"), CountingEncoder()
    shas = colour_photos(media, 100)
    embed(store, media, encoder, [(sha,) for sha in shas[:70] + shas[:5]])
    assert encoder.photos == 70
    first = store.vectors.get(encoder.fingerprint, shas)
    assert set(embed(store, media, encoder, [(sha,) for sha in shas]).values()) == {True}
    assert encoder.photos == 100
    second = store.vectors.get(encoder.fingerprint, shas)
    assert {sha: second[sha] for sha in first} == first
    other = CountingEncoder()
    other.fingerprint = "another encoder"
    embed(store, media, other, [(sha,) for sha in shas])
    assert other.photos == 100


def test_only_the_first_good_photo_of_a_product_is_embedded(
    tmp_path: Path, store: CatalogStore
) -> None:
    media, encoder = MediaStore(tmp_path / "media"), CountingEncoder()
    one, two, three = colour_photos(media, 3)
    bad = media.put(jpeg(400, 400, 5)[:700])
    known = embed(store, media, encoder, [(one, two), (bad, three), ("0" * 64,)])
    assert known == {one: True, bad: False, three: True, "0" * 64: False}
    assert encoder.photos == 2
    assert set(store.vectors.verdicts(encoder.fingerprint, [one, two, bad, three, "0" * 64])) == {
        one,
        bad,
        three,
    }, "a photo that is not there has no verdict"


def test_what_was_embedded_outlives_an_interruption(tmp_path: Path, store: CatalogStore) -> None:
    media, encoder = MediaStore(tmp_path / "media"), CountingEncoder(breaks_after=128)
    images = [(sha,) for sha in colour_photos(media, 200)]
    with pytest.raises(KeyboardInterrupt):
        embed(store, media, encoder, images)
    again = CountingEncoder()
    assert sum(embed(store, media, again, images).values()) == 200
    assert again.photos == 200 - 128


def test_photos_that_another_program_embeds_are_waited_for(
    tmp_path: Path, store: CatalogStore
) -> None:
    media, encoder = MediaStore(tmp_path / "media"), CountingEncoder()
    shas = colour_photos(media, 6)
    claimed = store.vectors.claim(encoder.fingerprint, shas[:2], holder="another")
    row = encoder.encode_photos([np.zeros((16, 16, 3), np.uint8)])[0].tobytes()
    # The other one is done with the first when it is looked at again; it died over the second.
    store.vectors.claim(encoder.fingerprint, [claimed[1]], holder="another", lease_s=0.3)
    encoder.photos = 0
    done = threading.Event()

    def other() -> None:
        while not store.vectors.verdicts(encoder.fingerprint, shas[2:]):
            done.wait(0.01)
        store.vectors.put(encoder.fingerprint, [(claimed[0], row, "")])

    thread = threading.Thread(target=other)
    thread.start()
    known = embed(store, media, encoder, [(sha,) for sha in shas])
    thread.join()
    assert known == dict.fromkeys(shas, True)
    assert encoder.photos == 5
    assert store.vectors.get(encoder.fingerprint, [claimed[0]]) == {claimed[0]: row}


def directions(count: int, centre: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    rows = centre + 0.3 * np.random.default_rng(seed).standard_normal((count, 16))
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(
        np.float32
    )
    return unit


def test_a_floor_parts_nonsense_from_real_queries() -> None:
    shop, elsewhere = np.eye(16)[0] * 2, np.eye(16)[1] * 2
    gallery, real = directions(1000, shop, 1), directions(200, shop, 2)
    floor = floor_between(directions(100, elsewhere, 3), real, gallery)
    assert floor.value is not None
    assert floor.noise is not None
    assert abs(floor.value - floor.noise) < 1e-3
    fiftieth = np.sort(real @ gallery.T, axis=1)[:, -50]
    assert (fiftieth >= floor.value).mean() >= 0.98
    best = (directions(100, elsewhere, 4) @ gallery.T).max(axis=1)
    assert (best < floor.value).mean() >= 0.9


def test_a_floor_never_costs_real_queries_their_hits() -> None:
    """Nonsense that lies where the goods lie cannot be told from them; then it is let through."""
    shop = np.eye(16)[0] * 2
    gallery, real = directions(1000, shop, 1), directions(200, shop, 2)
    floor = floor_between(directions(100, shop, 3), real, gallery)
    assert floor.value is not None
    assert floor.noise is not None
    assert floor.value < floor.noise
    fiftieth = np.sort(real @ gallery.T, axis=1)[:, -50]
    assert (fiftieth >= floor.value).mean() >= 0.98


def test_without_nonsense_there_is_no_floor() -> None:
    gallery = directions(100, np.eye(16)[0], 1)
    floor = floor_between(np.zeros((0, 16), np.float32), gallery, gallery)
    assert floor.value is None
    assert floor_between(gallery, gallery, gallery[:0]).value is None


def test_nonsense_is_the_same_each_time_and_varied() -> None:
    assert nonsense_texts() == nonsense_texts()
    assert len(set(nonsense_texts())) > 90
    photos = nonsense_photos(24)
    assert all(each.shape == (24, 24, 3) and each.dtype == np.uint8 for each in photos)
    assert len({each.tobytes() for each in photos}) == len(photos)
