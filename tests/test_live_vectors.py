"""Promises of the live vectors: what the catalogue says now is what is found, and nothing else."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from catalog.feed import ChangeFeed
from catalog.product import Product
from catalog.product_filter import Condition, Not
from catalog.store import CatalogStore
from runtime.artifacts import ArtifactRefused
from runtime.errors import Unavailable
from services.image_retriever.compact import compacted
from services.image_retriever.follow import Following
from services.image_retriever.live import LiveIndex, LiveView
from services.image_retriever.snapshot import Snapshot
from tests.image_artifact import pictured, sha_of, write_snapshot
from tests.waiting import eventually

DIM = 8
MARK = "f1"
Vectors = NDArray[np.float32]


def vector_of(photo: str) -> Vectors:
    """The vector of a photo: each its own, the same each time."""
    seed = int(sha_of(photo)[:12], 16)
    row = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
    unit: Vectors = row / np.linalg.norm(row)
    return unit


class Shop:
    """A catalogue, and an index that was built of what was in it at the start."""

    def __init__(self, folder: Path, store: CatalogStore, photos: Sequence[str]) -> None:
        self.store = store
        self.products = [pictured(photo) for photo in photos]
        if photos:
            store.upsert(self.products)
            self.embed(*photos)
        folder.mkdir()
        self.seq = store.seq()
        rows = [vector_of(photo) for photo in photos]
        stacked = np.stack(rows) if rows else np.zeros((0, DIM), np.float32)
        write_snapshot(folder, list(store.scan()), stacked[np.argsort(photos)])
        self.folder = folder

    def embed(self, *photos: str) -> None:
        rows = [(sha_of(photo), vector_of(photo).tobytes(), "") for photo in photos]
        self.store.vectors.put(MARK, rows)

    def refuse(self, photo: str) -> None:
        self.store.vectors.put(MARK, [(sha_of(photo), None, "broken")])

    def open(self, device: str = "cpu") -> LiveIndex:
        snapshot = Snapshot.open(self.folder)
        return LiveIndex(
            snapshot, generation="g", seq=self.seq, known=self.store.vectors, device=device
        )

    def catch_up(self, live: LiveIndex, *, limit: int = 500) -> LiveView:
        feed = ChangeFeed(self.store, fingerprint=MARK, limit=limit)
        while (batch := feed.read(live.view.seq)).seq != live.view.seq:
            live.apply(batch)
        return live.view


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CatalogStore]:
    opened = CatalogStore.open(f"sqlite:///{tmp_path}/catalog.sqlite", create=True)
    yield opened
    opened.close()


@pytest.fixture
def shop(tmp_path: Path, store: CatalogStore) -> Shop:
    return Shop(tmp_path / "artifact", store, [f"p-{n:02d}" for n in range(20)])


def nearest(view: LiveView, photo: str, count: int = 1) -> list[str]:
    return view.search(vector_of(photo)[None], count)[0].ids


def test_a_new_product_is_found_once_its_photo_has_a_vector(shop: Shop) -> None:
    live = shop.open()
    shop.store.upsert([pictured("new")])
    view = shop.catch_up(live)
    assert "new" not in nearest(view, "new", 100)
    assert view.vector_of("new") is None
    shop.embed("new")
    view = shop.catch_up(live)
    assert nearest(view, "new") == ["new"]
    assert len(view) == 21
    assert view.seq == shop.store.seq()


def test_a_change_of_price_moves_no_vector_and_is_filtered_by_at_once(shop: Shop) -> None:
    live = shop.open()
    before = live.view.rows
    one = shop.store.get("p-03")
    assert one is not None
    shop.store.upsert([replace(one, price_minor=77, currency="EUR")])
    view = shop.catch_up(live)
    assert len(view.rows.places) == len(before.places) == 20
    assert view.rows.searched.vectors.base is before.searched.vectors.base
    below = Condition("price_minor", lt=100)
    (found,) = view.search(vector_of("x")[None], 20, filters=[below])
    assert found.ids == ["p-03"]
    (rest,) = view.search(vector_of("x")[None], 20, filters=[Not(below)])
    assert len(rest.ids) == 19


def test_a_deleted_product_is_gone_and_comes_back_without_being_embedded(shop: Shop) -> None:
    live = shop.open()
    one = shop.store.get("p-07")
    assert one is not None
    shop.store.delete(["p-07"])
    view = shop.catch_up(live)
    assert "p-07" not in nearest(view, "p-07", 100)
    assert view.vector_of("p-07") is None
    (none,) = view.search(vector_of("p-07")[None], 5, filters=[Condition("id", values=("p-07",))])
    assert none.ids == []
    shop.store.upsert([one])
    assert nearest(shop.catch_up(live), "p-07") == ["p-07"]


def test_other_photos_are_another_vector(shop: Shop) -> None:
    live = shop.open()
    shop.store.upsert([pictured("p-05", "elsewhere")])
    view = shop.catch_up(live)
    assert "p-05" not in nearest(view, "p-05", 100), "its old photo is not its photo any more"
    shop.embed("elsewhere")
    view = shop.catch_up(live)
    assert nearest(view, "elsewhere") == ["p-05"]
    found = view.vector_of("p-05")
    assert found is not None
    assert np.allclose(found, vector_of("elsewhere"), atol=1e-6)
    shop.store.upsert([replace(pictured("p-05"), images=())])
    assert "p-05" not in nearest(shop.catch_up(live), "elsewhere", 100)


def test_the_vector_is_that_of_the_first_photo_that_has_one(shop: Shop) -> None:
    live = shop.open()
    shop.store.upsert([pictured("new", "first", "second", "third")])
    shop.embed("third")
    view = shop.catch_up(live)
    assert nearest(view, "third") == ["new"]
    assert set(live.waiting()) == {"new"}
    shop.refuse("first")
    assert nearest(shop.catch_up(live), "third") == ["new"]
    shop.embed("second")
    view = shop.catch_up(live)
    assert nearest(view, "second") == ["new"]
    assert len(view) == 21
    shop.embed("first")
    assert nearest(shop.catch_up(live), "first") == ["new"], "a photo that was refused is mended"
    assert live.waiting() == {}


def test_products_that_share_a_photo_share_its_vector(shop: Shop) -> None:
    live = shop.open()
    shop.store.upsert([pictured(f"same-{n}", "shared") for n in (2, 0, 1)])
    shop.catch_up(live)
    shop.embed("shared")
    view = shop.catch_up(live)
    (found,) = view.search(vector_of("shared")[None], 3)
    assert found.ids == ["same-0", "same-1", "same-2"], "ties are broken by id"
    assert len(set(found.scores.tolist())) == 1


def test_vectors_of_another_encoder_are_not_seen(shop: Shop) -> None:
    live = shop.open()
    shop.store.upsert([pictured("new")])
    shop.store.vectors.put("f2", [(sha_of("new"), vector_of("new").tobytes(), "")])
    assert "new" not in nearest(shop.catch_up(live), "new", 100)


def test_a_vector_that_is_not_sound_counts_as_a_refusal(shop: Shop) -> None:
    live = shop.open()
    shop.store.upsert([pictured("short"), pictured("nan")])
    bad = np.full(DIM, np.nan, np.float32).tobytes()
    shop.store.vectors.put(MARK, [(sha_of("short"), b"\0" * 8, ""), (sha_of("nan"), bad, "")])
    view = shop.catch_up(live)
    assert len(view) == 20
    assert len(nearest(view, "x", 100)) == 20


def test_a_view_never_changes(shop: Shop) -> None:
    live = shop.open()
    before = live.view
    asked = np.stack([vector_of(f"q-{n}") for n in range(5)])
    found = before.search(asked, 30)
    shop.store.delete(["p-01", "p-02"])
    shop.store.upsert([pictured("p-03", "other"), *(pictured(f"n-{n}") for n in range(50))])
    shop.embed("other", *(f"n-{n}" for n in range(50)))
    after = shop.catch_up(live)
    assert len(after) == 68
    for then, now in zip(found, before.search(asked, 30), strict=True):
        assert then.ids == now.ids
        assert np.array_equal(then.scores, now.scores)


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
@pytest.mark.parametrize("limit", [3, 500])
def test_following_ends_where_a_new_index_begins(
    tmp_path: Path, store: CatalogStore, device: str, limit: int
) -> None:
    """Random changes, some batches twice: the same products are found, with the same scores."""
    shop = Shop(tmp_path / "artifact", store, [f"p-{n:02d}" for n in range(40)])
    live, twice = shop.open(device), shop.open(device)
    rng = np.random.default_rng(7)
    for step in range(60):
        product_id = f"p-{rng.integers(60):02d}"
        photos = [f"photo-{n}" for n in rng.integers(30, size=rng.integers(0, 4))]
        change = rng.integers(5)
        if change == 0:
            store.delete([product_id])
        elif change == 1:
            shop.embed(f"photo-{rng.integers(30)}")
        elif change == 2:
            shop.refuse(f"photo-{rng.integers(30)}")
        else:
            images = tuple(dict.fromkeys(map(sha_of, photos)))
            price = int(rng.integers(100))
            store.upsert(
                [replace(pictured(product_id), images=images, price_minor=price, currency="EUR")]
            )
        if step % 7 == 0:
            shop.catch_up(live, limit=limit)
            feed = ChangeFeed(store, fingerprint=MARK, limit=limit)
            batch = feed.read(twice.view.seq)
            twice.apply(batch)
            twice.apply(batch)
    expected = _expected(store)
    for index in (live, twice):
        view = shop.catch_up(index, limit=limit)
        (found,) = view.search(vector_of("asked")[None], 100)
        assert found.ids == [product_id for product_id, _ in expected]
        assert np.allclose(found.scores, [score for _, score in expected], atol=1e-6)
        cheap = {each.id for each in store.scan() if each.price_minor is not None}
        (priced,) = view.search(
            vector_of("asked")[None], 100, filters=[Condition("price_minor", gte=0)]
        )
        assert priced.ids == [key for key, _ in expected if key in cheap]


def _expected(store: CatalogStore) -> list[tuple[str, float]]:
    scored: list[tuple[str, float]] = []
    for product in store.scan():
        rows = store.vectors.get(MARK, product.images)
        face = next((rows[sha] for sha in product.images if rows.get(sha)), None)
        if face is not None:
            cosine = np.frombuffer(face, np.float32).astype(np.float64) @ vector_of("asked")
            scored.append((product.id, float(np.float32(cosine))))
    return sorted(scored, key=lambda each: (-each[1], each[0]))


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_superseded_rows_are_laid_out_anew_while_searches_go_on(shop: Shop, device: str) -> None:
    live = shop.open(device)
    problems: list[str] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            found = nearest(live.view, "p-19", 40)
            if found[0] != "p-19" or len(set(found)) != len(found):
                problems.append(str(found))

    searcher = threading.Thread(target=search)
    searcher.start()
    try:
        for round_ in range(30):
            photos = [f"round-{round_}-{n}" for n in range(6)]
            shop.store.upsert([pictured(f"p-{n:02d}", photos[n]) for n in range(6)])
            shop.embed(*photos)
            shop.catch_up(live)
        eventually(lambda: live.superseded_share < 0.5)
        # The last changes may have come while a table was laid out: one more starts the next.
        shop.store.upsert([replace(shop.products[19], price_minor=1, currency="EUR")])
        shop.catch_up(live)
        eventually(lambda: live.superseded_share < 0.1)
    finally:
        stop.set()
        searcher.join()
    assert not problems
    view = live.view
    assert len(view) == 20
    for n in range(6):
        assert nearest(view, f"round-29-{n}") == [f"p-{n:02d}"]
        assert f"p-{n:02d}" not in nearest(view, f"round-28-{n}", 1)


def test_changes_that_come_while_rows_are_laid_out_are_carried_over(shop: Shop) -> None:
    live = shop.open()
    shop.store.delete(["p-00"])  # One in twenty: the index itself lays nothing out yet.
    view = shop.catch_up(live)
    fresh = compacted(view.rows, None, "cpu")
    old = view.table
    shop.store.delete(["p-04"])
    shop.store.upsert([pictured("p-05", "moved"), pictured("new")])
    shop.embed("moved", "new")
    shop.catch_up(live)
    fresh.carry_over(old, view.rows)
    again = fresh.view()
    (found_again,) = again.searched.search(vector_of("x")[None], 100)
    assert found_again.ids == nearest(live.view, "x", 100)
    found = fresh.vector_of("p-05")
    assert found is not None
    assert np.allclose(found, vector_of("moved"), atol=1e-6)
    assert fresh.vector_of("p-04") is None


def test_a_follower_sees_changes_and_tells_how_late(shop: Shop) -> None:
    live = shop.open()
    shop.store.upsert([pictured("before")])
    delays: list[float] = []
    following = Following(live, shop.store, on_delay=delays.append)
    following.start()
    try:
        assert live.view.seq == shop.store.seq(), "it has caught up before it is served"
        assert delays == [], "what it caught up with was not late"
        shop.store.upsert([pictured("new")])
        shop.embed("new")
        eventually(lambda: nearest(live.view, "new") == ["new"])
        eventually(lambda: len(delays) == 2)
        assert all(0 <= delay < 20 for delay in delays)
    finally:
        following.stop()
    shop.store.delete(["new"])
    assert live.view.seq < shop.store.seq(), "a stopped follower moves no more"


def test_an_index_below_the_log_floor_is_refused(shop: Shop) -> None:
    live = shop.open()
    shop.store.delete(["p-00"])
    shop.store.purge_tombstones(2**62)
    with pytest.raises(ArtifactRefused) as caught:
        Following(live, shop.store).start()
    assert caught.value.reason == "snapshot_too_old"
    assert "hemline build" in caught.value.message


def test_an_index_of_another_catalogue_is_refused(shop: Shop, tmp_path: Path) -> None:
    other = CatalogStore.open(f"sqlite:///{tmp_path}/other.sqlite", create=True)
    try:
        with pytest.raises(ArtifactRefused):
            Following(shop.open(), other).start()
    finally:
        other.close()


def test_an_index_that_knows_no_vectors_is_served_as_it_was_built(shop: Shop) -> None:
    live = LiveIndex(Snapshot.open(shop.folder), generation="g", seq=shop.seq)
    assert (live.view.generation, live.view.seq) == ("g", shop.seq)
    assert nearest(live.view, "p-04") == ["p-04"]


def test_a_batch_that_failed_is_applied_again(shop: Shop) -> None:
    class Moody:
        """Vectors that cannot be looked up the first time."""

        def __init__(self) -> None:
            self.calls = 0

        def get(self, fingerprint: str, shas: Sequence[str]) -> dict[str, bytes]:
            self.calls += 1
            if self.calls == 1:
                raise Unavailable("not now")
            return shop.store.vectors.get(fingerprint, shas)

    live = LiveIndex(Snapshot.open(shop.folder), generation="g", seq=shop.seq, known=Moody())
    shop.embed("new")
    shop.store.upsert([pictured("new", "new", "never seen")])
    with pytest.raises(Unavailable):
        shop.catch_up(live)
    assert live.view.seq == shop.seq
    assert nearest(shop.catch_up(live), "new") == ["new"]


def test_an_empty_catalogue_fills(tmp_path: Path, store: CatalogStore) -> None:
    shop = Shop(tmp_path / "artifact", store, [])
    live = shop.open()
    assert nearest(live.view, "x") == []
    store.upsert([pictured("one"), Product(id="wordy", style_id="wordy", title="no photo")])
    shop.embed("one")
    assert nearest(shop.catch_up(live), "one", 5) == ["one"]
