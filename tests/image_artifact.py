"""Writes small image artifacts, as the build does, of vectors that a test made up."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.columns import Columns
from catalog.product import Product
from services.image_retriever.index_files import Draft
from services.image_retriever.snapshot import Snapshot, packed_shas


def sha_of(name: str) -> str:
    """Returns the hash of a photo that need not exist."""
    return hashlib.sha256(name.encode()).hexdigest()


def pictured(product_id: str, *photos: str) -> Product:
    """Returns a product that shows photos of its own, or those named."""
    shas = tuple(sha_of(photo) for photo in photos or (product_id,))
    return Product(id=product_id, style_id=product_id, title="a thing", images=shas)


def write_snapshot(
    folder: Path,
    products: Sequence[Product],
    vectors: NDArray[np.float32],
    *,
    fingerprint: str = "f1",
    floors: Mapping[str, float | None] | None = None,
    look_alike: float | None = None,
) -> dict[str, object]:
    """Writes an artifact in which each product has the vector of its first photo."""
    return Snapshot.write(
        Draft(
            [each.id for each in products],
            vectors,
            fingerprint,
            floors or {},
            look_alike=look_alike,
        ),
        folder,
        faces=packed_shas([each.images[0] for each in products]),
        waiting={},
        columns=Columns.build(products),
    )
