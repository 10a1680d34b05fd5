"""Keeps a vector for each product, as written, and finds the products nearest to a vector."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from services.image_retriever.exact import ExactRows, Mask, Vectors
from services.image_retriever.gpu_index import FirstRows, GpuRows
from services.image_retriever.index_files import (
    About,
    Draft,
    IndexFiles,
    read_files,
    write_files,
)
from services.image_retriever.nearest import Nearest, unit
from services.image_retriever.question import Likeness, Reorder
from services.image_retriever.view import Found, VectorView

KINDS = ("text", "photo", "mixed")


class VectorIndex:
    """Unit vectors by product; immutable, and safe to search from many threads."""

    FORMAT = 2

    def __init__(self, files: IndexFiles, nearest: Nearest) -> None:
        self._about = files.about
        self._rows = {product_id: row for row, product_id in enumerate(files.ids)}
        self._ids = files.ids
        self._view = VectorView(files.ids, files.vectors, nearest)

    @property
    def about(self) -> About:
        """What stands beside the vectors."""
        return self._about

    @property
    def ids(self) -> Sequence[str]:
        """Product of each row."""
        return self._ids

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
        return len(self._rows)

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
        look_alike: float | None = None,
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
            look_alike: Similarity from which on two products look the same; None: nobody knows.

        Raises:
            SetupError: A product stands twice, or a vector is not finite or zero.
        """
        return write_files(
            Draft(ids, vectors, fingerprint, dict(floors), queries, look_alike),
            folder,
            version=cls.FORMAT,
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
        files = read_files(folder, version=cls.FORMAT)
        nearest: Nearest = files.lists or ExactRows(files.vectors)
        if device != "cpu":
            nearest = FirstRows(GpuRows(files.vectors, device), len(files.vectors))
        return cls(files, nearest)

    def vector_of(self, product_id: str) -> Vectors | None:
        """Returns the unit vector float32 ``[dim]`` of a product, None when it has no photo."""
        row = self._rows.get(product_id)
        return None if row is None else unit(self._view.vectors[row][None])[0]

    def search(
        self,
        vectors: Vectors,
        count: int,
        *,
        floor: Sequence[float | None] | None = None,
        excluded: Sequence[Collection[str]] | None = None,
        unlike: Sequence[Likeness | None] | None = None,
        reorder: Sequence[Reorder | None] | None = None,
        allowed: Sequence[Mask | None] | None = None,
    ) -> list[Found]:
        """Finds the nearest products of each vector; see :meth:`VectorView.search`."""
        return self._view.search(
            vectors,
            count,
            floor=floor,
            excluded=excluded,
            unlike=unlike,
            reorder=reorder,
            allowed=allowed,
        )

    def likeness_of(self, product_ids: Sequence[str]) -> Likeness | None:
        """Returns what looks like one of these products; None where nobody knows what does."""
        rows = [self._rows[each] for each in product_ids if each in self._rows]
        if self._about.look_alike is None or not rows:
            return None
        return Likeness(unit(self._view.vectors[rows]), self._about.look_alike)
