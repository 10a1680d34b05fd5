"""Promises of the embedding lane: each photo once, queries first, and nobody's death costs one."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from runtime.errors import Overloaded
from services.image_retriever.batcher import BatchSettings, EncodeBatcher
from services.image_retriever.decode_bulk import bulk_decoder
from services.image_retriever.embedder import Embedder, EmbedSettings, first_usable
from services.image_retriever.lane import EmbedLane
from tests.colours import COLOURS, ColourEncoder, photo
from tests.waiting import eventually

MARK = "colours-1"


class Studio:
    """A catalogue with its photos, and what embeds them."""

    def __init__(self, root: Path) -> None:
        self.url = f"sqlite:///{root}/catalog.sqlite"
        self.store = CatalogStore.open(self.url, create=True)
        self.media = MediaStore(root / "media")
        self.decoder = bulk_decoder(1)
        self.batcher = EncodeBatcher()
        self.encoder = ColourEncoder()

    def close(self) -> None:
        self.batcher.close()
        self.decoder.close()
        self.store.close()

    def embedder(self, **settings: object) -> Embedder:
        return Embedder(
            lambda: self.store,
            self.media,
            self.batcher,
            self.decoder,
            EmbedSettings(**settings),  # type: ignore[arg-type]
        )

    def run(self, embedder: Embedder | None = None) -> None:
        """Rounds until nothing is left to do."""
        embedder = embedder or self.embedder()
        while embedder.round(self.encoder, {}):
            pass

    def show(self, product_id: str, *photos: bytes | str) -> tuple[str, ...]:
        shas = tuple(
            each if isinstance(each, str) else self.media.put(each, durable=False)
            for each in photos
        )
        product = Product(id=product_id, style_id=product_id, title="a thing", images=shas)
        self.store.upsert([product])
        return shas

    def state(self, product_id: str) -> str:
        found = self.store.get(product_id)
        assert found is not None
        return found.image_state


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    opened = Studio(tmp_path)
    yield opened
    opened.close()


def test_a_photo_that_waits_gets_a_vector_and_its_product_is_told(studio: Studio) -> None:
    told: list[str] = []
    (sha,) = studio.show("red", photo("red"))
    assert studio.state("red") == "pending"
    studio.run(studio.embedder(on_embedded=lambda verdict, _: told.append(verdict)))
    assert studio.state("red") == "embedded"
    assert told == ["embedded"]
    row = np.frombuffer(studio.store.vectors.get(MARK, [sha])[sha], np.float32)
    expected, _ = studio.encoder.encode_texts(["red"])
    assert float(row @ expected[0]) > 0.95
    assert studio.encoder.photos == 1


def test_large_photos_get_thumbnails(studio: Studio) -> None:
    large, small = (
        studio.show("large", photo("red", size=(600, 300)))[0],
        studio.show("small", photo("blue", size=(100, 90)))[0],
    )
    studio.run()
    assert [w for w in (256, 512) if studio.media.path(large, w)] == [256, 512]
    assert [w for w in (256, 512) if studio.media.path(small, w)] == []


def test_a_damaged_photo_is_refused_with_its_reason_and_the_next_is_taken(studio: Studio) -> None:
    damaged = photo("green", size=(200, 200))[:60]
    studio.show("only", damaged)
    _, good = studio.show("both", damaged, photo("blue"))
    studio.run()
    assert studio.state("only") == "rejected(broken)"
    assert studio.state("both") == "embedded"
    assert studio.store.vectors.verdicts(MARK, [good]) == {good: True}
    assert studio.encoder.photos == 1


def test_what_comes_after_a_good_photo_is_left_alone(studio: Studio) -> None:
    first, second = studio.show("two", photo("red"), photo("blue"))
    studio.run()
    assert set(studio.store.vectors.verdicts(MARK, [first, second])) == {first}


def test_a_photo_that_is_not_there_has_no_verdict_for_ever(studio: Studio) -> None:
    data = photo("yellow", size=(31, 31))
    other = MediaStore(Path(studio.url.removeprefix("sqlite:///")).parent / "elsewhere")
    sha = other.put(data)
    studio.show("late", sha)
    studio.run()
    assert studio.state("late") == "rejected(missing)"
    assert studio.store.vectors.verdicts(MARK, [sha]) == {}
    studio.media.put(data)
    fresh = studio.embedder()
    assert fresh.round(studio.encoder, {"late": (sha,)}) == 2
    assert studio.state("late") == "embedded"


def test_a_product_that_comes_back_is_not_embedded_again(studio: Studio) -> None:
    studio.show("red", photo("red"))
    studio.run()
    studio.store.delete(["red"])
    studio.show("red", photo("red"))
    studio.show("other", photo("red"))
    assert studio.state("red") == studio.state("other") == "pending"
    studio.run()
    assert studio.state("red") == studio.state("other") == "embedded"
    assert studio.encoder.photos == 1


def test_two_replicas_embed_each_photo_once(studio: Studio) -> None:
    names = list(COLOURS)
    shas = [
        studio.show(f"p-{n}", photo(names[n % 4], shade=1 - n / 100, size=(20, 20 + n)))[0]
        for n in range(40)
    ]
    store = CatalogStore.open(studio.url)
    batcher, decoder = EncodeBatcher(), bulk_decoder(1)
    other = Embedder(lambda: store, studio.media, batcher, decoder)
    encoder = ColourEncoder()

    def work() -> None:
        while studio.store.pending_photos(MARK, 1):
            other.round(encoder, {})

    thread = threading.Thread(target=work)
    thread.start()
    mine = studio.embedder()
    while len(studio.store.vectors.verdicts(MARK, shas)) < len(shas):
        mine.round(studio.encoder, {})
    studio.run(mine)
    thread.join()
    batcher.close()
    decoder.close()
    store.close()
    assert studio.encoder.photos + encoder.photos == 40
    assert all(studio.state(f"p-{n}") == "embedded" for n in range(40))


HOLDER = """
import sys
from catalog.store import CatalogStore
store = CatalogStore.open(sys.argv[1])
print(store.vectors.claim(sys.argv[2], [sys.argv[3]], holder="doomed", lease_s=1.5), flush=True)
sys.stdin.read()
"""


def test_the_photo_of_a_killed_holder_is_embedded_by_another(studio: Studio) -> None:
    (sha,) = studio.show("red", photo("red"))
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLDER, studio.url, MARK, sha]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    ) as holder:
        assert holder.stdout is not None
        assert sha in holder.stdout.readline().decode()
        assert studio.store.vectors.claim(MARK, [sha], holder="me") == []
        os.kill(holder.pid, signal.SIGKILL)
    mine = studio.embedder()

    def is_embedded() -> bool:
        mine.round(studio.encoder, {})
        return studio.state("red") == "embedded"

    eventually(is_embedded)
    assert studio.encoder.photos == 1


class Stubborn(ColourEncoder):
    """Refuses for lack of memory as often as told, then works."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.left = refusals

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        if self.left:
            self.left -= 1
            raise MemoryError
        return super().encode_photos(photos)


def test_a_failure_gives_the_claim_back(studio: Studio) -> None:
    (sha,) = studio.show("red", photo("red"))
    stubborn = Stubborn(1)
    with pytest.raises(Overloaded):
        studio.embedder().round(stubborn, {})
    assert studio.state("red") == "pending"
    assert studio.store.vectors.claim(MARK, [sha], holder="another") == [sha]


class Blank(ColourEncoder):
    """Makes a vector that is not finite of every photo."""

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return np.full((len(photos), self.dim), np.nan, np.float32)


def test_a_photo_that_no_encoder_can_take_is_refused_and_holds_nobody_up(studio: Studio) -> None:
    studio.show("red", photo("red"))
    embedder = studio.embedder()
    while embedder.round(Blank(), {}):
        pass
    assert studio.state("red") == "rejected(encoder)"


def test_products_that_only_the_index_waits_for_are_embedded(studio: Studio) -> None:
    """Embedded for an older encoder: the catalogue has nothing pending, the index has no vector."""
    (sha,) = studio.show("red", photo("red"))
    studio.run()
    newer = ColourEncoder("colours-2")
    embedder = studio.embedder()
    assert embedder.round(newer, {}) == 0
    assert embedder.round(newer, {"red": (sha,)}) == 1
    assert studio.store.vectors.verdicts("colours-2", [sha]) == {sha: True}
    assert studio.state("red") == "embedded"


class Gate(ColourEncoder):
    """Waits before each pass until it may go on, and notes what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.passes: list[str] = []

    def encode_texts(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        self._wait(f"{len(texts)} texts")
        return super().encode_texts(texts)

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        self._wait(f"{len(photos)} photos")
        return super().encode_photos(photos)

    def _wait(self, what: str) -> None:
        self.passes.append(what)
        self.begun.release()
        assert self.opened.acquire(timeout=30)


def test_queries_go_before_the_photos_of_the_catalogue() -> None:
    encoder, forever = Gate(), float("inf")
    batcher = EncodeBatcher(BatchSettings(most_behind=2))
    pixels = np.zeros((16, 16, 3), np.uint8)
    try:
        behind = [batcher.photo_behind(encoder, pixels) for _ in range(5)]
        assert encoder.begun.acquire(timeout=30)
        queries = [batcher.text(encoder, "red", deadline=forever) for _ in range(3)]
        encoder.opened.release(10)
        assert all(query.result(30) is not None for query in queries)
        assert all(photo_.result(30) is not None for photo_ in behind)
    finally:
        batcher.close()
    first, *rest = encoder.passes
    assert first in ("1 photos", "2 photos")
    assert rest[0] == "3 texts"
    assert all(each.endswith("photos") for each in rest[1:])


def test_what_waits_behind_is_refused_when_the_encoder_stops() -> None:
    encoder = Gate()
    batcher = EncodeBatcher()
    pixels = np.zeros((16, 16, 3), np.uint8)
    first = batcher.photo_behind(encoder, pixels)
    assert encoder.begun.acquire(timeout=30)
    second = batcher.photo_behind(encoder, pixels)
    encoder.opened.release(10)
    batcher.close()
    assert first.result(30) is not None
    assert second.exception(30) is not None


class Opened:
    """What is in service."""

    def __init__(self, encoder: ColourEncoder | None) -> None:
        self.encoder = encoder

    def waiting(self) -> dict[str, tuple[str, ...]]:
        return {}


def test_the_lane_embeds_what_comes_and_survives_a_failure(studio: Studio) -> None:
    stubborn = Stubborn(1)
    opened: list[Opened | None] = [None]
    lane = EmbedLane(
        studio.embedder(), lambda: opened[0], studio.store.clock, poll_s=0.01, idle_s=0.1
    )
    lane.start()
    try:
        studio.show("first", photo("red"))
        opened[0] = Opened(stubborn)
        eventually(lambda: studio.state("first") == "embedded")
        studio.show("second", photo("blue"))
        eventually(lambda: studio.state("second") == "embedded")
    finally:
        lane.stop()
    studio.show("third", photo("green"))
    assert studio.state("third") == "pending"


def test_the_first_usable_photo_is_the_first_that_is_not_refused() -> None:
    photos = ("a", "b", "c")
    assert first_usable(photos, {}) == "a"
    assert first_usable(photos, {"a": False, "c": True}) == "b"
    assert first_usable(photos, {"a": False, "b": True}) == "b"
    assert first_usable(photos, dict.fromkeys(photos, False)) is None
