"""Keeps a vector for each product and finds the products nearest to a vector."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runtime.errors import InvalidArgument
from services.image_retriever.gpu_index import GpuRows
from services.image_retriever.index_files import About, Draft, read_files, write_files
from services.image_retriever.nearest import (
    ExactRows,
    Nearest,
    Rows,
    Stored,
    Vectors,
    exact_scores,
    ranked,
)

KINDS = ("text", "photo", "mixed")


@dataclass(frozen=True, slots=True)
class Found:
    """The products that one vector found: ids best first, and their cosines float32 ``[n]``."""

    ids: list[str]
    scores: Vectors


class VectorIndex:
    """Unit vectors by product; immutable, and safe to search from many threads.

    Rows lie in the order of the product ids, and every candidate is scored exactly, so the order
    of the hits is total: by cosine, then by id.
    """

    FORMAT = 1

    def __init__(self, about: About, ids: list[str], vectors: Stored, nearest: Nearest) -> None:
        self._about = about
        self._ids = ids
        self._rows = {product_id: row for row, product_id in enumerate(ids)}
        self._vectors = vectors
        self._nearest = nearest
        self._is_on_gpu = isinstance(nearest, GpuRows)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder that made the vectors."""
        return self._about.fingerprint

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._about.dim

    @property
    def floors(self) -> Mapping[str, float | None]:
        """Similarity floors by kind of query: text, photo, mixed."""
        return self._about.floors

    def __len__(self) -> int:
        return len(self._ids)

    @classmethod
    def write(
        cls,
        ids: Sequence[str],
        vectors: Vectors,
        folder: Path,
        *,
        fingerprint: str,
        floors: Mapping[str, float | None],
        queries: Vectors | None = None,
    ) -> dict[str, object]:
        """Writes an index and returns its facts.

        Args:
            ids: Product of each row.
            vectors: Float32 ``[n, dim]``, finite and not zero; made unit rows here.
            folder: An empty folder.
            fingerprint: Of the encoder that made the vectors.
            floors: Similarity floor of each kind of query.
            queries: Rows float32 ``[q, dim]`` to measure the recall with; by default mixtures of
                pairs of the vectors.

        Raises:
            SetupError: A product stands twice, or a vector is not finite or zero.
        """
        return write_files(
            Draft(ids, vectors, fingerprint, dict(floors), queries), folder, version=cls.FORMAT
        )

    @classmethod
    def open(cls, folder: Path, *, device: str = "cpu") -> "VectorIndex":
        """Reads an index into memory; nothing stays mapped to a file.

        Args:
            folder: What :meth:`write` filled, already verified.
            device: ``cpu``, or ``cuda`` to search on a GPU.

        Raises:
            ArtifactRefused: The parts do not fit each other.
        """
        about, ids, vectors, lists = read_files(folder, version=cls.FORMAT)
        nearest: Nearest = lists or ExactRows(vectors.astype(np.float32, copy=False))
        return cls(about, ids, vectors, nearest if device == "cpu" else GpuRows(vectors, device))

    def rows_read(self, queries: int) -> int:
        """Returns about how many rows a search of some vectors compares, a measure of its time."""
        if self._is_on_gpu:
            return 0 if not queries else sys.maxsize
        share = self._about.probes / self._about.lists if self._about.probes else 1.0
        return round(queries * len(self._ids) * share)

    def vector_of(self, product_id: str) -> Vectors | None:
        """Returns the unit vector float32 ``[dim]`` of a product, None when it has no photo."""
        row = self._rows.get(product_id)
        if row is None:
            return None
        vector = self._vectors[row].astype(np.float32)
        unit: Vectors = vector / np.linalg.norm(vector)
        return unit

    def search(
        self,
        vectors: Vectors,
        count: int,
        *,
        floor: Sequence[float | None] | None = None,
        excluded: Sequence[Collection[str]] | None = None,
    ) -> list[Found]:
        """Finds the nearest products of each vector.

        Args:
            vectors: Unit rows float32 ``[b, dim]``, finite.
            count: Most hits of each, 1 or more.
            floor: For each vector the least cosine of a hit.
            excluded: For each vector the products that must not come.

        Returns:
            For each vector its hits: by cosine, then by id.

        Raises:
            InvalidArgument: A vector has another length or is not finite.
            Overloaded: The GPU is out of memory.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.dim:
            raise InvalidArgument(f"vector must have {self.dim} numbers", field="vector")
        if not np.isfinite(vectors).all():
            raise InvalidArgument("vector must be finite", field="vector")
        if not len(self._ids) or not len(vectors):
            return [Found([], np.zeros(0, np.float32)) for _ in vectors]
        barred = [self._rows_of(products) for products in excluded or [()] * len(vectors)]
        most = count + max(len(rows) for rows in barred)
        queries = np.ascontiguousarray(vectors, np.float32)
        candidates = self._nearest.candidates(queries, most)
        floors = floor or [None] * len(vectors)
        return [
            self._cut(np.setdiff1d(rows, bar) if len(bar) else rows, query, count, least)
            for rows, bar, query, least in zip(candidates, barred, queries, floors, strict=True)
        ]

    def _rows_of(self, products: Collection[str]) -> Rows:
        known = (self._rows.get(product_id) for product_id in products)
        return np.array([row for row in known if row is not None], np.int64)

    def _cut(self, rows: Rows, query: Vectors, count: int, least: float | None) -> Found:
        scores = exact_scores(self._vectors, rows, query)
        keep = np.isfinite(scores) if least is None else scores >= np.float32(least)
        rows, scores = rows[keep], scores[keep]
        # Rows lie in the order of the ids, so the row breaks ties as the id would.
        places = ranked(rows, scores, count)
        return Found([self._ids[row] for row in rows[places].tolist()], scores[places])
