"""Gives a synthetic catalogue the vectors of photos that were never taken."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.columns import Columns
from catalog.store import CatalogStore
from offline.progress import progress
from services.image_retriever.index_files import Draft
from services.image_retriever.snapshot import Snapshot, packed_shas

Vectors = NDArray[np.float32]
_BATCH = 2_000


def photo_of(product_id: str) -> str:
    """Returns the SHA-256 of the photo of a synthetic product; there is no such photo."""
    return hashlib.sha256(product_id.encode()).hexdigest()


def keep_vectors(
    store: CatalogStore, ids: Sequence[str], vectors: Vectors, fingerprint: str
) -> None:
    """Writes the vectors float32 ``[n, dim]`` of products as rows, as an embedder would."""
    with progress("Writing synthetic vectors", len(ids)) as shown:
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            packed = (row.astype("<f4").tobytes() for row in vectors[start : start + _BATCH])
            rows = [(photo_of(key), row, "") for key, row in zip(part, packed, strict=True)]
            store.vectors.put(fingerprint, rows)
            store.set_image_state(dict.fromkeys(part, "embedded"))
            shown.advance(len(part))


def write_vectors(store: CatalogStore, draft: Draft, folder: Path) -> Mapping[str, object]:
    """Writes the image artifact of a synthetic catalogue into a folder and returns its facts."""
    return Snapshot.write(
        draft,
        folder,
        faces=packed_shas([photo_of(key) for key in draft.ids]),
        waiting={},
        columns=Columns.build(store.scan()),
    )
