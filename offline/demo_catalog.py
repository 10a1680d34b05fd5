"""Draws the demo catalogue: products and photos, the same for the same seed."""

import contextlib
import io
import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from catalog.media import MediaStore
from catalog.product import Product, SizeStock
from catalog.store import CatalogStore
from offline.demo_styles import Style, draw_styles
from offline.demo_words import description, title
from offline.drawing.garments import drawing_of
from offline.drawing.paint import colour as paint
from offline.drawing.paint import form
from offline.drawing.palette import dyes
from offline.layout import DataDir
from offline.progress import Progress, progress, say
from runtime.errors import SetupError

FORMAT = 2  # of the drawings and texts: raise it when a product would come out differently
DEFAULT_PRODUCTS = 3000
DEFAULT_SEED = 7
_QUALITY = 88
_CHUNK = 12
_ALONE_BELOW = 80  # fewer styles than this are drawn here: a pool would cost more than it gives


def draw_catalog(
    data: DataDir, *, products: int = DEFAULT_PRODUCTS, seed: int = DEFAULT_SEED
) -> None:
    """Draws a catalogue into the store and the media folder of ``data``.

    Nothing is drawn when the folder holds this catalogue already; another catalogue of drawn
    products is replaced. An interrupted run leaves a part that the next run completes.

    Args:
        data: Where to.
        products: Number of products (colour variants); ids run from p-000001.
        seed: Of everything; equal seeds give equal bytes.
    """
    made = {"products": products, "seed": seed, "format": FORMAT}
    marker = data.create().root / "drawn.json"
    with _opened(data) as store:
        if _marked(marker) == made and store.count() == products:
            say(f"the drawn catalogue is there: {products} products")
            return
        if data.is_elsewhere and not marker.exists() and store.count():
            raise SetupError(
                "the database of HEMLINE_DATABASE_URL holds products that were not drawn into "
                f"{data.root}, and drawing would delete them: unset it, or name an empty one"
            )
        marker.unlink(missing_ok=True)
        styles = draw_styles(products, seed)
        with progress("Drawing products", products) as bar:
            drawn = list(_products(styles, data.media, bar))
        store.upsert_all(drawn)
        kept = {product.id for product in drawn}
        stale = [product.id for product in store.scan() if product.id not in kept]
        if stale:
            store.delete(stale)
    marker.write_text(json.dumps(made))


def _opened(data: DataDir) -> "contextlib.closing[CatalogStore]":
    return contextlib.closing(CatalogStore.open(data.database_url, create=True))


def _marked(marker: Path) -> dict[str, object]:
    try:
        made = json.loads(marker.read_text())
    except (OSError, ValueError):
        return {}
    return made if isinstance(made, dict) else {}


def _products(styles: Sequence[Style], media: Path, bar: Progress) -> Iterator[Product]:
    chunks = [styles[at : at + _CHUNK] for at in range(0, len(styles), _CHUNK)]
    for chunk, photos in zip(chunks, _drawn(chunks, media), strict=True):
        for style, shas in zip(chunk, photos, strict=True):
            yield from (product_of(style, place, sha) for place, sha in enumerate(shas))
            bar.advance(len(shas))


def _drawn(chunks: Sequence[Sequence[Style]], media: Path) -> Iterator[list[list[str]]]:
    """Yields the photos' hashes of each chunk in order, drawn by as many processes as cores."""
    jobs = [(chunk, media) for chunk in chunks]
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if cores == 1 or len(chunks) * _CHUNK < _ALONE_BELOW:
        yield from map(draw_photos, jobs)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(cores, mp_context=context, initializer=_leave_interrupts)
    try:
        # The processes start at this call and inherit what is held back; in their first moments
        # a Ctrl-C, which reaches all of the terminal, would end them with a traceback.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            drawn = pool.map(draw_photos, jobs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
        yield from drawn
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts() -> None:
    """Lets the program that owns the pool answer Ctrl-C; what was held back is forgotten."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def draw_photos(job: tuple[Sequence[Style], Path]) -> list[list[str]]:
    """Draws the photos of some styles into a media folder; returns a hash for each variant."""
    styles, media = job
    store = MediaStore(media)
    return [[store.put(photo, durable=False) for photo in photos_of(style)] for style in styles]


def photos_of(style: Style) -> Iterator[bytes]:
    """Yields a JPEG for each colour variant; all share one shape, light and pattern."""
    drawing = drawing_of(style.cut, style.seed)
    shape = form(drawing, cloth=style.pattern, variety=style.variety, seed=style.seed)
    for place, name in enumerate(style.variants):
        rng = np.random.default_rng([style.seed, place])
        pixels = paint(shape, dyes(name, pattern=style.pattern, rng=rng))
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY)
        yield file.getvalue()


def product_of(style: Style, place: int, photo: str) -> Product:
    """Describes the colour variant at ``place`` of a style."""
    rng = np.random.default_rng([style.seed, place, 1])
    name = style.variants[place]
    cut = style.cut
    attributes = {
        "pattern": style.pattern,
        "neckline": cut.neckline,
        "sleeve": cut.sleeve,
        "length": cut.length,
        "material": style.material,
        "fit": cut.fit,
        "occasion": style.occasion,
    }
    return Product(
        id=f"p-{style.first_product + place:06d}",
        style_id=style.id,
        title=title(style, name, rng),
        description=description(style, name, rng),
        brand=style.brand.name,
        category=style.category,
        kind=cut.kind,
        gender=cut.gender,
        colour=name,
        season=style.season,
        attributes={field: word for field, word in attributes.items() if word},
        sizes=_sizes(style, rng),
        price_minor=style.price_minor,
        currency="EUR",
        images=(photo,),
    )


def _sizes(style: Style, rng: np.random.Generator) -> tuple[SizeStock, ...]:
    """Stocks the sizes: the middle ones well, some not at all; one product in 25 is sold out."""
    sizes = style.sizes
    if rng.random() < 0.04:
        return tuple(SizeStock(size, 0) for size in sizes)
    stock = [int(count) for count in rng.poisson(6, len(sizes)) * (rng.random(len(sizes)) > 0.18)]
    return tuple(SizeStock(size, count) for size, count in zip(sizes, stock, strict=True))
