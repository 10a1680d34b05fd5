"""Lays photos of a catalogue out on one sheet, to be looked at."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from catalog.media import MediaStore
from catalog.store import CatalogStore
from offline.layout import DataDir


def contact_sheet(
    data: DataDir, path: Path, *, columns: int = 12, rows: int = 8, side: int = 160, seed: int = 0
) -> None:
    """Writes a PNG with the photos of products chosen at random.

    Args:
        data: Where the catalogue is.
        path: The PNG to write.
        columns: Photos in a row.
        rows: Number of rows.
        side: Width and height of each photo in pixels.
        seed: Of the choice.
    """
    store = CatalogStore.open(data.require_catalog().database_url)
    shown = [product.images[0] for product in store.scan() if product.images]
    store.close()
    media = MediaStore(data.media)
    order = np.random.default_rng(seed).permutation(len(shown))[: columns * rows]
    sheet = Image.new("RGB", (columns * side, rows * side), "white")
    for place, at in enumerate(order):
        photo = media.get(shown[int(at)])
        if photo is None:
            continue
        with Image.open(io.BytesIO(photo)) as image:
            tile = image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(tile, (place % columns * side, place // columns * side))
    sheet.save(path, "PNG")
