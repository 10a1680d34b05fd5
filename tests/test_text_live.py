"""Promises of the text index that follows the catalogue, with the real store and tail."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog.feed import ChangeFeed
from catalog.product import Product
from catalog.product_filter import ProductFilter, admits
from catalog.store import CatalogStore
from offline.build_text import build_text
from offline.layout import DataDir
from runtime.artifacts import ArtifactRefused
from runtime.errors import Unavailable
from services.text_retriever.following import COMMIT_PAUSE_S
from services.text_retriever.index import TextIndex
from services.text_retriever.live import REBUILD_SHARE, LiveText
from services.text_retriever.scratch import Scratch, passing_folder
from services.text_retriever.writable import WritableIndex
from tests.random_filters import drawn_filters, drawn_product, drawn_products
from tests.waiting import eventually

WORDS = ("wool", "linen", "soft", "light", "warm", "evening")
"""Words of drawn titles that stand in no other field."""


class Catalogue:
    """A catalogue in a folder, its released text index, and live ones that follow it."""

    def __init__(self, root: Path, products: Sequence[Product]) -> None:
        self.data = DataDir(root / "data").create()
        self.store = CatalogStore.open(self.data.database_url, create=True)
        self.store.upsert(products)
        self.artifact = build_text(self.data)
        self.scratch = Scratch(root)
        self.delays: list[float] = []
        self._opened: list[LiveText] = []

    def follow(self) -> LiveText:
        """Opens the released index and follows the catalogue."""
        index = WritableIndex.copied(self.artifact.folder, self.scratch.folder())
        live = LiveText(
            index,
            self.artifact.generation,
            self.artifact.seq,
            self.store,
            self.scratch,
            self.delays.extend,
        )
        self._opened.append(live)
        return live

    def close(self) -> None:
        for live in self._opened:
            live.close()
        self.scratch.close()
        self.store.close()


Make = Callable[[Sequence[Product]], Catalogue]


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Make]:
    made: list[Catalogue] = []

    def make(products: Sequence[Product]) -> Catalogue:
        made.append(Catalogue(tmp_path, products))
        return made[-1]

    yield make
    for each in made:
        each.close()


def product(number: int, title: str, **more: object) -> Product:
    key = f"p-{number:06d}"
    return replace(Product(id=key, style_id=key, title=title), **more)  # type: ignore[arg-type]


def found(index: TextIndex, text: str, by: ProductFilter | None = None) -> list[str]:
    return index.search(index.normalizer.tokens(text), 1000, found=by)[0]


def has_caught_up(catalogue: Catalogue, live: LiveText) -> Callable[[], bool]:
    seq = catalogue.store.seq()
    return lambda: live.view.seq >= seq


def test_changes_deletions_and_returns_are_found(catalogue: Make) -> None:
    shop = catalogue([product(1, "Red dress"), product(2, "Blue coat"), product(3, "Red coat")])
    live = shop.follow()
    assert found(live.view.index, "red") == ["p-000001", "p-000003"]
    shop.store.upsert([product(1, "Teal kaftan"), product(4, "Red scarf")])
    shop.store.delete(["p-000003"])
    eventually(has_caught_up(shop, live))
    before = live.view
    assert found(before.index, "red") == ["p-000004"]
    assert found(before.index, "kaftan") == ["p-000001"]
    assert len(before.index) == 3
    shop.store.upsert([product(3, "Red coat")])
    shop.store.delete(["p-000004"])
    eventually(has_caught_up(shop, live))
    assert found(live.view.index, "red") == ["p-000003"]
    assert found(before.index, "red") == ["p-000004"], "a view stays what it was"
    assert len(shop.delays) == 5
    assert all(delay >= 0 for delay in shop.delays)


def test_a_change_of_price_rewrites_no_text(catalogue: Make) -> None:
    shop = catalogue([product(n, "Red dress", price_minor=9, currency="EUR") for n in range(50)])
    live = shop.follow()
    scores = live.view.index.search(["red"], 50)[1]
    shop.store.upsert([product(n, "Red dress", price_minor=7, currency="EUR") for n in range(50)])
    eventually(has_caught_up(shop, live))
    columns = live.view.index.columns
    assert set(columns.prices.tolist()) == {7}
    assert live.superseded_share == 0
    assert np.array_equal(live.view.index.search(["red"], 50)[1], scores)
    shop.store.upsert([product(1, "Red dresses of wool", price_minor=7, currency="EUR")])
    eventually(has_caught_up(shop, live))
    assert live.superseded_share == pytest.approx(1 / 51)


def test_a_restart_opens_the_snapshot_and_catches_up(catalogue: Make) -> None:
    shop = catalogue([product(n, "Red dress") for n in range(20)])
    shop.store.upsert([product(n, "Blue coat") for n in range(10)])
    shop.store.delete(["p-000019"])
    first = shop.follow()
    assert first.view.seq == shop.store.seq()
    assert (first.view.generation, shop.artifact.seq) == (shop.artifact.generation, 20)
    assert len(found(first.view.index, "coat")) == 10
    first.close()
    shop.store.upsert([product(30, "Blue coat")])
    second = shop.follow()
    assert len(found(second.view.index, "coat")) == 11
    assert second.view.seq == shop.store.seq()
    assert shop.delays == [], "what was caught up before serving is no delay of a change"


def test_the_released_index_is_left_as_it_is(catalogue: Make) -> None:
    shop = catalogue([product(n, "Red dress") for n in range(20)])
    before = {p: p.read_bytes() for p in shop.artifact.folder.rglob("*") if p.is_file()}
    live = shop.follow()
    for n in range(12):
        shop.store.upsert([product(n, "Blue coat")])
        shop.store.delete([f"p-{n + 1:06d}"])
    eventually(has_caught_up(shop, live))
    live.close()
    after = {p: p.read_bytes() for p in shop.artifact.folder.rglob("*") if p.is_file()}
    assert after == before


def test_a_snapshot_that_is_too_old_is_refused(catalogue: Make) -> None:
    shop = catalogue([product(n, "Red dress") for n in range(3)])
    shop.store.delete(["p-000001"])
    shop.store.purge_tombstones(2**62)
    with pytest.raises(ArtifactRefused, match="run hemline build") as caught:
        shop.follow()
    assert caught.value.reason == "snapshot_too_old"
    again = build_text(shop.data)
    assert again.generation != shop.artifact.generation


def test_an_index_is_rebuilt_without_a_pause_and_loses_no_change(catalogue: Make) -> None:
    draw = random.Random(1)
    there = {each.id: each for each in drawn_products(draw, 300)}
    shop = catalogue(list(there.values()))
    live = shop.follow()
    marker = "p-000000"
    seen: list[int] = []
    errors: list[Exception] = []
    is_over = threading.Event()

    def search() -> None:
        while not is_over.is_set():
            try:
                view = live.view
                assert found(view.index, " ".join(WORDS)), "every answer finds something"
                seen.append(view.seq)
            except Exception as error:  # noqa: BLE001  # told by the test's own thread
                errors.append(error)
                return

    searcher = threading.Thread(target=search)
    searcher.start()
    rebuilds = 0
    lanes = {id(live._lane)}
    for round_ in range(60):
        some = [drawn_product(draw, f"p-{draw.randrange(1, 400):06d}") for _ in range(10)]
        there |= {each.id: each for each in some}
        shop.store.upsert([there[each.id] for each in some])
        doomed = draw.sample(sorted(set(there) - {marker}), 2)
        shop.store.delete(doomed)
        for key in doomed:
            there.pop(key)
        if round_ % 20 == 10:
            live.rebuild()
            rebuilds += 1
            lanes.add(id(live._lane))
    eventually(has_caught_up(shop, live))
    is_over.set()
    searcher.join()
    assert not errors
    assert rebuilds == 3
    assert seen == sorted(seen), "no answer is older than one before it"
    index = live.view.index
    assert index.columns.products == len(there)
    for word in WORDS:
        held = {key for key, each in there.items() if word in each.title.split()}
        assert set(found(index, word)) == held


def test_a_tenth_of_superseded_documents_brings_a_rebuild(catalogue: Make) -> None:
    shop = catalogue([product(n, "Red dress") for n in range(40)])
    live = shop.follow()
    shop.store.upsert([product(n, "Blue coat") for n in range(10)])
    eventually(has_caught_up(shop, live))
    eventually(lambda: live.superseded_share < REBUILD_SHARE)
    assert len(found(live.view.index, "coat")) == 10
    fresh = shop.data.root / "fresh"
    fresh.mkdir()
    TextIndex.write(shop.store.scan(), fresh)
    expected = TextIndex.open(fresh).search(["blue"], 50)
    ids, scores = live.view.index.search(["blue"], 50)
    assert ids == expected[0]
    assert np.array_equal(scores, expected[1]), "the statistics are those of a fresh index"


def test_a_commit_under_way_brings_no_rebuild(catalogue: Make) -> None:
    shop = catalogue([product(1, "Red dress"), *(product(n, "Blue coat") for n in range(2, 99))])
    live = shop.follow()
    for title in ("Green dress", "Grey dress", "Teal dress"):
        shop.store.upsert([product(1, title)])
        is_done = has_caught_up(shop, live)
        while not is_done():  # The last commit is a moment ago: this one is held back.
            assert not live.needs_rebuild
    assert found(live.view.index, "teal") == ["p-000001"]


def test_a_catalogue_that_was_set_back_is_read_anew(catalogue: Make) -> None:
    shop = catalogue([product(n, "Red dress") for n in range(20)])
    live = shop.follow()
    shop.store.upsert([product(n, "Blue coat") for n in range(5)])
    shop.store.delete(["p-000000"])
    # The log is cut off behind the back of a follower that stands still.
    live._lane.tail.stop()
    shop.store.upsert([product(30, "Teal kaftan")])
    shop.store.delete(["p-000001"])
    shop.store.purge_tombstones(2**62)
    live._lane.follow()
    eventually(lambda: found(live.view.index, "kaftan") == ["p-000030"])
    assert found(live.view.index, "coat") == ["p-000002", "p-000003", "p-000004"]


def test_a_failed_write_is_made_up_for(catalogue: Make, tmp_path: Path) -> None:
    shop = catalogue([product(n, "Red dress") for n in range(20)])
    index = WritableIndex.copied(shop.artifact.folder, shop.scratch.folder())
    shop.store.upsert([product(1, "Teal kaftan"), product(40, "Teal kaftan")])
    batch = ChangeFeed(shop.store).read(shop.artifact.seq)

    def refuse() -> None:
        raise Unavailable("the disk is full")

    with pytest.raises(Unavailable):
        index.apply(batch.products, pace=refuse)
    assert found(index.view(), "kaftan") == []
    assert len(index.view()) == 20
    view = index.apply(batch.products, pace=lambda: None)
    assert found(view, "kaftan") == ["p-000001", "p-000040"]
    assert len(view) == 21
    again = index.apply(batch.products, pace=lambda: None)
    assert found(again, "kaftan") == ["p-000001", "p-000040"]
    assert index.superseded_share == pytest.approx(1 / 22)
    index.close()


def test_commits_are_at_least_a_quarter_of_a_second_apart(catalogue: Make) -> None:
    shop = catalogue([product(n, "Red dress") for n in range(20)])
    live = shop.follow()
    seqs: list[int] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            seq = live.view.seq
            if not seqs or seqs[-1] != seq:
                seqs.append(seq)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for n in range(40):
        shop.store.upsert([product(n % 5, f"Blue coat {n}")])
    eventually(has_caught_up(shop, live))
    is_over.set()
    watcher.join()
    # However long the writes took, a view a commit: far fewer than there were changes.
    assert COMMIT_PAUSE_S >= 0.25
    assert len(seqs) < 40
    assert live.view.index.columns.products == 20


def test_filters_over_a_followed_index_are_exact(catalogue: Make) -> None:
    draw = random.Random(5)
    there = {each.id: each for each in drawn_products(draw, 1500)}
    shop = catalogue(list(there.values()))
    live = shop.follow()
    for _ in range(4):
        some = [drawn_product(draw, f"p-{draw.randrange(1700):06d}") for _ in range(30)]
        there |= {each.id: each for each in some}
        shop.store.upsert(some)
        doomed = draw.sample(sorted(there), 5)
        shop.store.delete(doomed)
        for key in doomed:
            there.pop(key)
    eventually(has_caught_up(shop, live))
    hold_to_the_oracle(live.view.index, list(there.values()), draw)


def hold_to_the_oracle(index: TextIndex, products: Sequence[Product], draw: random.Random) -> None:
    """Holds 200 filtered searches to a scan of everything that the words find."""
    by_id = {each.id: each for each in products}
    for by in drawn_filters(draw, products, 200):
        tokens = draw.sample(WORDS, draw.choice((1, 2)))
        every, their_scores = index.search(tokens, len(products) + 10)
        score_of = dict(zip(every, their_scores.tolist(), strict=True))
        assert set(every) == {each.id for each in products if set(tokens) & set(each.title.split())}
        wanted = [key for key in every if admits(by, by_id[key])]
        for count in (7, 200):
            ids, scores = index.search(tokens, count, found=by)
            assert ids == wanted[:count]
            assert np.allclose(scores, [score_of[key] for key in ids], rtol=1e-6)


def test_filters_over_a_released_index_are_exact(tmp_path: Path) -> None:
    draw = random.Random(6)
    products = drawn_products(draw, 4000)
    TextIndex.write(products, tmp_path)
    hold_to_the_oracle(TextIndex.open(tmp_path), products, draw)


def test_scratch_of_the_dead_is_swept_and_of_the_living_is_not(tmp_path: Path) -> None:
    living = Scratch(tmp_path)
    dead = tmp_path / "hemline-text-dead"
    dead.mkdir()
    (dead / "lock").touch()
    other = Scratch(tmp_path)
    assert not dead.exists()
    assert living.home.exists()
    folder = living.folder()
    assert folder != living.folder()
    other.close()
    living.close()
    assert not any(tmp_path.iterdir())


def test_a_passing_folder_goes_though_something_is_still_written_to_it() -> None:
    def write(folder: Path) -> None:
        for number in range(10):  # fewer than the tries, so that the last of them finds no more
            with suppress(FileNotFoundError):
                (folder / f"{number}.lock").touch()

    with passing_folder() as folder:
        writer = threading.Thread(target=write, args=(folder,))
        writer.start()
    writer.join()
    assert not folder.exists()
