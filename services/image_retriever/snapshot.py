"""Writes and reads what a stage opens before it follows the catalogue: the image artifact."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from catalog.columns import Columns
from runtime.artifacts import ArtifactRefused
from services.image_retriever.index import VectorIndex
from services.image_retriever.index_files import Draft, IndexFiles, read_files, write_files
from services.image_retriever.table import SHA_BYTES, Places, Shas, VectorTable

_FACES, _WAITING, _COLUMNS = "faces.npy", "waiting.json", "columns"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The image artifact of a catalogue, in memory.

    Attributes:
        files: The vectors of the products that have one.
        faces: SHA-256 of the photo that each vector is of, uint8 ``[n, 32]``.
        waiting: Photos, in their order, of the products whose vector is not that of their first
            photo: they take another one when a better photo gets it.
        columns: What filters ask of all products.
        places: Row of each vector's product in the columns, int32 ``[n]``.
    """

    files: IndexFiles
    faces: Shas
    waiting: Mapping[str, tuple[str, ...]]
    columns: Columns
    places: Places

    FORMAT = VectorIndex.FORMAT

    @classmethod
    def write(
        cls,
        draft: Draft,
        folder: Path,
        *,
        faces: Shas,
        waiting: Mapping[str, Sequence[str]],
        columns: Columns,
    ) -> dict[str, object]:
        """Writes an artifact into an empty folder and returns its facts.

        Raises:
            SetupError: A product stands twice, or a vector is not finite or zero.
        """
        facts = write_files(draft, folder, version=cls.FORMAT)
        order = np.array(sorted(range(len(draft.ids)), key=lambda row: draft.ids[row]), np.int64)
        np.save(folder / _FACES, faces[order])
        listed = {product_id: list(waiting[product_id]) for product_id in sorted(waiting)}
        (folder / _WAITING).write_text(json.dumps(listed), encoding="utf-8")
        (folder / _COLUMNS).mkdir()
        columns.write(folder / _COLUMNS)
        return facts

    @classmethod
    def open(cls, folder: Path) -> "Snapshot":
        """Reads an artifact into memory; nothing stays mapped to a file.

        Args:
            folder: What :meth:`write` filled, already verified.

        Raises:
            ArtifactRefused: The parts are damaged or do not fit each other.
        """
        files = read_files(folder, version=cls.FORMAT)
        try:
            faces = np.load(folder / _FACES, allow_pickle=False, mmap_mode=None)
            body = json.loads((folder / _WAITING).read_bytes())
            waiting = {str(key): tuple(map(str, body[key])) for key in body}
            columns = Columns.open(folder / _COLUMNS)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArtifactRefused("index_garbage", f"{folder} holds no image artifact") from error
        if faces.shape != (len(files.ids), SHA_BYTES) or faces.dtype != np.uint8:
            raise ArtifactRefused("index_shape", f"{folder}: photos and vectors do not fit")
        shown = columns.view()
        places = shown.rows_of(files.ids).astype(np.int32)
        if len(places) and places.min() < 0:
            raise ArtifactRefused("index_rows", f"{folder}: a vector is of no product")
        # The columns hold the ids anyway: one string for both.
        files = replace(files, ids=[shown.ids[place] for place in places.tolist()])
        return cls(files, faces, waiting, columns, places)

    def table(self, device: str) -> VectorTable:
        """Returns the vectors as a table that can be written to; once a snapshot."""
        return VectorTable(
            self.files.ids,
            self.files.vectors,
            self.faces,
            self.places,
            self.files.lists,
            device,
        )


def packed_shas(shas: Sequence[str]) -> Shas:
    """Returns SHA-256 hashes in hex as uint8 ``[n, 32]``."""
    return np.frombuffer(bytes.fromhex("".join(shas)), np.uint8).reshape(-1, SHA_BYTES)
