"""The drawn catalogue is the same for the same seed, and like a shop."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from offline.contact_sheet import contact_sheet
from offline.demo_catalog import draw_catalog, photos_of, product_of
from offline.demo_styles import Style, draw_styles
from offline.drawing.garments import KINDS, drawing_of
from offline.drawing.paint import form
from offline.drawing.palette import COLOURS
from offline.layout import DataDir


def _products(data: DataDir) -> list[Product]:
    store = CatalogStore.open(data.database_url)
    try:
        return list(store.scan())
    finally:
        store.close()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    """A shop of 240 products: enough styles that a pool of processes draws them."""
    data = DataDir(tmp_path_factory.mktemp("shop"))
    draw_catalog(data, products=240, seed=5)
    return data


@pytest.fixture(scope="module")
def shop() -> list[tuple[Style, Product]]:
    """The words of a whole shop, without its photos."""
    return [
        (style, product_of(style, place, "0" * 64))
        for style in draw_styles(3000, 7)
        for place in range(len(style.variants))
    ]


def test_ids_run_through_and_every_product_has_a_photo(drawn: DataDir) -> None:
    products = _products(drawn)
    assert [product.id for product in products] == [f"p-{n:06d}" for n in range(1, 241)]
    media = MediaStore(drawn.media)
    for product in products:
        photo = media.get(product.images[0])
        assert photo is not None
        with Image.open(io.BytesIO(photo)) as image:
            assert (image.format, image.size) == ("JPEG", (256, 256))


def test_a_pool_draws_the_bytes_that_one_process_draws(drawn: DataDir) -> None:
    media = MediaStore(drawn.media)
    by_id = {product.id: product for product in _products(drawn)}
    for style in draw_styles(240, 5)[:6]:
        for place, photo in enumerate(photos_of(style)):
            product = by_id[f"p-{style.first_product + place:06d}"]
            assert media.get(product.images[0]) == photo
            made = product_of(style, place, product.images[0])
            assert (product.title, product.sizes) == (made.title, made.sizes)


def test_another_seed_gives_another_shop() -> None:
    one, two = draw_styles(60, 1)[20], draw_styles(60, 2)[20]
    assert next(iter(photos_of(one))) != next(iter(photos_of(two)))


def test_a_second_run_draws_nothing(drawn: DataDir, capsys: pytest.CaptureFixture[str]) -> None:
    store = CatalogStore.open(drawn.database_url)
    before = store.seq()
    draw_catalog(drawn, products=240, seed=5)
    assert store.seq() == before
    store.close()
    assert "Drawing" not in capsys.readouterr().err


def test_an_interrupted_run_is_completed_and_another_size_replaces_it(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    draw_catalog(data, products=40, seed=5)
    whole = _products(data)
    (tmp_path / "drawn.json").unlink()  # the mark of a whole run is written last
    store = CatalogStore.open(data.database_url)
    store.delete([product.id for product in whole[10:]])
    store.close()
    draw_catalog(data, products=40, seed=5)
    assert [p.images for p in _products(data)] == [p.images for p in whole]
    draw_catalog(data, products=30, seed=5)
    assert [p.id for p in _products(data)] == [p.id for p in whole[:30]]


def test_the_smallest_shop_has_every_kind() -> None:
    assert {style.cut.kind for style in draw_styles(60, 3)} == set(KINDS)


def test_three_thousand_products_are_about_twelve_hundred_styles() -> None:
    styles = draw_styles(3000, 7)
    assert sum(len(style.variants) for style in styles) == 3000
    assert 1100 <= len(styles) <= 1300
    assert all(2 <= len(style.variants) <= 4 for style in styles[:-1])
    assert all(len(set(style.variants)) == len(style.variants) for style in styles)
    assert {name for style in styles for name in style.variants} == set(COLOURS)


def test_every_named_cut_of_a_whole_shop_can_be_drawn() -> None:
    seen = {(style.cut.kind, style.cut.model): style for style in draw_styles(3000, 7)}
    for style in seen.values():
        assert drawing_of(style.cut, style.seed)
    assert len(seen) >= 35


def test_variants_of_a_style_share_their_outline_and_differ_in_colour() -> None:
    for style in draw_styles(200, 7)[:8]:
        shape = form(
            drawing_of(style.cut, style.seed),
            cloth=style.pattern,
            variety=style.variety,
            seed=style.seed,
        )
        photos = [
            np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"), dtype=int)
            for photo in photos_of(style)
        ]
        apart = np.abs(photos[0] - photos[1]).max(axis=2)
        around = Image.fromarray(np.asarray(shape.silhouette * 255, dtype=np.uint8)).resize(
            (32, 32), Image.Resampling.BOX
        )
        away = np.kron(np.asarray(around) == 0, np.ones((8, 8), dtype=bool))  # whole JPEG blocks
        assert apart[away].mean() < 4
        assert apart[shape.silhouette > 0.99].mean() > 12


def test_titles_are_of_many_moulds(shop: list[tuple[Style, Product]]) -> None:
    titles = [product.title.lower() for _, product in shop]
    with_colour = np.mean([product.colour in product.title.lower() for _, product in shop])
    with_brand = np.mean([product.brand in product.title for _, product in shop])
    assert 0.4 < with_colour < 0.85
    assert 0.1 < with_brand < 0.4
    assert len(set(titles)) > 0.9 * len(titles)
    for words in (("tee", "t-shirt"), ("jumper", "sweater"), ("sneakers", "trainers")):
        assert all(any(word in title for title in titles) for word in words)
    assert all(2 <= len(title.split()) <= 12 for title in titles)


def test_descriptions_are_sentences_that_name_the_material(
    shop: list[tuple[Style, Product]],
) -> None:
    for style, product in shop:
        assert style.material in product.description
        assert product.description.endswith(".")
        assert 1 <= product.description.count(". ") + 1 <= 2


def test_prices_follow_the_brand_and_are_one_for_a_style(
    shop: list[tuple[Style, Product]],
) -> None:
    by_style: dict[str, set[int | None]] = {}
    for style, product in shop:
        assert product.currency == "EUR"
        by_style.setdefault(style.id, set()).add(product.price_minor)
    assert all(len(prices) == 1 for prices in by_style.values())
    tees = [(s.brand.level, s.price_minor) for s, _ in shop if s.cut.kind == "t-shirt"]
    cheap = np.median([price for level, price in tees if level < 0.8])
    dear = np.median([price for level, price in tees if level > 1.5])
    assert dear > 1.8 * cheap


def test_some_sizes_and_a_few_products_are_sold_out(shop: list[tuple[Style, Product]]) -> None:
    products = [product for _, product in shop]
    assert 0.01 < np.mean([not product.in_stock for product in products]) < 0.1
    assert 0.1 < np.mean([size.stock == 0 for p in products for size in p.sizes]) < 0.4
    sizes = {
        style.cut.gender: product.sizes for style, product in shop if style.cut.kind == "shoes"
    }
    assert sizes["men"][-1].size == "46"
    assert sizes["women"][0].size == "36"


def test_attributes_say_how_the_garment_was_cut(shop: list[tuple[Style, Product]]) -> None:
    for style, product in shop:
        assert product.attributes["pattern"] == style.pattern
        assert product.attributes.get("sleeve", "") == style.cut.sleeve
        assert all(product.attributes.values())
    patterns = Counter(style.pattern for style, _ in shop)
    assert len(patterns) == 5
    assert min(patterns.values()) > 60


def test_a_contact_sheet_shows_the_photos(drawn: DataDir, tmp_path: Path) -> None:
    contact_sheet(drawn, tmp_path / "sheet.png", columns=4, rows=2, side=64)
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape == (128, 256, 3)
    assert pixels[:, :64].std() > 5
