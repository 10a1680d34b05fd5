"""Promises of the split: groups stay whole, and the same catalogue gives the same split."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.split import FILE, Split, ensure_split, held_out, load_split
from runtime.errors import SetupError


def product(number: int, *, title: str = "", style: str = "", photo: str = "") -> Product:
    return Product(
        id=f"p-{number:04d}",
        style_id=style or f"s-{number:04d}",
        title=title or f"title {number}",
        images=(photo or f"{number:064x}",),
    )


def sides(split: Split, ids: Sequence[str]) -> set[bool]:
    return {product_id in split.held_out for product_id in ids}


def test_about_the_asked_share_is_held_out() -> None:
    split = held_out([product(number) for number in range(1000)], {}, share=0.15)
    assert len(split.held_out) == 150
    assert (split.groups, split.products) == (1000, 1000)


def test_products_without_a_photo_are_on_no_side() -> None:
    bare = Product(id="bare", style_id="", title="title 1")
    split = held_out([bare, *(product(number) for number in range(20))], {}, share=1.0)
    assert "bare" not in split.held_out
    assert split.products == 20


def test_the_order_of_the_products_does_not_matter_but_the_seed_does() -> None:
    products = [product(number) for number in range(200)]
    split = held_out(products, {})
    assert held_out(products[::-1], {}) == split
    assert held_out(products, {}, seed=1).held_out != split.held_out


def test_a_few_new_products_move_few() -> None:
    products = [product(number) for number in range(400)]
    before, after = held_out(products[:-4], {}), held_out(products, {})
    assert len(set(before.held_out) ^ set(after.held_out)) <= 8


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30
    ),
    share=st.floats(0.05, 0.95),
)
def test_what_is_shared_is_never_parted(rows: list[tuple[int, int, int]], share: float) -> None:
    products = [
        product(number, title=f"Shirt {title}", style=f"s-{style}", photo=f"{photo:064x}")
        for number, (title, style, photo) in enumerate(rows)
    ]
    split = held_out(products, {}, share=share)
    for one in products:
        for other in products:
            if one.title == other.title or one.style_id == other.style_id:
                assert len(sides(split, [one.id, other.id])) == 1
            if one.images == other.images:
                assert len(sides(split, [one.id, other.id])) == 1


def test_titles_are_equal_whatever_their_case_and_spaces() -> None:
    split = held_out([product(1, title="Red  Shirt"), product(2, title="red shirt")], {}, share=0.5)
    assert split.groups == 1


def test_photos_are_equal_by_their_pixels_not_by_their_files() -> None:
    first, second = product(1, photo="a" * 64), product(2, photo="b" * 64)
    assert held_out([first, second], {}).groups == 2
    assert held_out([first, second], {"a" * 64: "same", "b" * 64: "same"}).groups == 1


def png(colour: tuple[int, int, int], *, compression: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 30), colour).save(file, "PNG", compress_level=compression)
    return file.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """Six products, of which the first two have the same pixels in different files."""
    data = DataDir(tmp_path).create()
    media = MediaStore(data.media)
    shas = [media.put(png((9, 9, 9), compression=level)) for level in (0, 9)]
    shas += [media.put(png((number, 0, 0), compression=9)) for number in range(50, 54)]
    assert shas[0] != shas[1]
    store = CatalogStore.open(data.database_url, create=True)
    store.upsert([product(number, photo=sha) for number, sha in enumerate(shas)])
    store.close()
    return data


def test_a_data_folder_keeps_its_split(data: DataDir) -> None:
    assert load_split(data) is None
    split = ensure_split(data)
    assert (split.groups, split.products) == (5, 6)
    assert load_split(data) == split
    written = (data.root / FILE).stat().st_mtime_ns
    assert ensure_split(data) == split
    assert (data.root / FILE).stat().st_mtime_ns == written


def test_a_changed_catalogue_is_split_again(data: DataDir) -> None:
    split = ensure_split(data)
    store = CatalogStore.open(data.database_url)
    store.upsert([product(77, photo=MediaStore(data.media).put(png((1, 2, 3), compression=1)))])
    store.close()
    assert ensure_split(data).products == split.products + 1


def test_a_damaged_split_is_told(data: DataDir) -> None:
    (data.root / FILE).write_text("{")
    with pytest.raises(SetupError, match="damaged"):
        load_split(data)


def test_nothing_can_be_held_out_of_a_catalogue_without_photos(tmp_path: Path) -> None:
    data = DataDir(tmp_path).create()
    CatalogStore.open(data.database_url, create=True).close()
    with pytest.raises(SetupError, match=r"no product .* has a photo.*hemline build --encoder"):
        ensure_split(data)
