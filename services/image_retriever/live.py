"""Keeps the vectors and columns of a catalogue up to date while searches go on."""

import logging
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.columns import ColumnsView
from catalog.feed import ChangeBatch
from catalog.product_filter import ProductFilter
from services.image_retriever.compact import compacted, is_due
from services.image_retriever.exact import Mask, Vectors
from services.image_retriever.faces import FaceChooser, KnownVectors
from services.image_retriever.index_files import About
from services.image_retriever.question import Likeness, Reorder
from services.image_retriever.snapshot import Snapshot, packed_shas
from services.image_retriever.table import TableView, VectorTable
from services.image_retriever.view import Found

_log = logging.getLogger(__name__)
_AGAIN_S = 60.0  # after a rebuild that failed


@dataclass(frozen=True, slots=True)
class LiveView:
    """What a stage answers from: vectors and columns at one change of the catalogue.

    Attributes:
        generation: The artifact that was opened at the start.
        seq: Number of the last change that is in it.
        about: What stands beside the vectors.
        rows: The vectors.
        columns: The columns.
        table: Where the vector of a single product is looked up.
    """

    generation: str
    seq: int
    about: About
    rows: TableView
    columns: ColumnsView
    table: VectorTable

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder that made the vectors."""
        return self.about.fingerprint

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.about.dim

    @property
    def floors(self) -> Mapping[str, float | None]:
        """Similarity floors by kind of query: text, photo, mixed."""
        return self.about.floors

    def __len__(self) -> int:
        """Returns how many products have a vector."""
        return self.rows.searched.count

    def rows_read(self, queries: int) -> int:
        """Returns how many rows a search of some vectors may compare, a measure of its time."""
        return self.rows.searched.rows_read(queries)

    def vector_of(self, product_id: str) -> Vectors | None:
        """Returns the unit vector float32 ``[dim]`` of a product, None where it has none."""
        return self.table.vector_of(product_id)

    def vectors_of(self, product_ids: Sequence[str]) -> Vectors:
        """Returns the unit vectors of products, float32 ``[n, dim]``; zeros where there is none."""
        return self.table.vectors_of(product_ids)

    def search(
        self,
        vectors: Vectors,
        count: int,
        *,
        floor: Sequence[float | None] | None = None,
        excluded: Sequence[Collection[str]] | None = None,
        filters: Sequence[ProductFilter | None] | None = None,
        unlike: Sequence[Likeness | None] | None = None,
        reorder: Sequence[Reorder | None] | None = None,
    ) -> list[Found]:
        """Finds the nearest products of each vector that its filter admits.

        Args:
            vectors: Unit rows float32 ``[b, dim]``, finite.
            count: Most hits of each, 1 or more.
            floor: For each vector the least cosine of a hit.
            excluded: For each vector the products that must not come.
            filters: For each vector which products may come, checked; None: all.
            unlike: For each vector what no hit may look like.
            reorder: For each vector how its nearest products are ordered anew.

        Returns:
            For each vector its hits: by cosine, then by id. Fewer than ``count`` are all.

        Raises:
            InvalidArgument: A vector has another length or is not finite.
            Overloaded: The GPU is out of memory.
        """
        wanted = filters or [None] * len(vectors)
        masks = {each: self._mask(each) for each in dict.fromkeys(wanted) if each is not None}
        allowed = [None if each is None else masks[each] for each in wanted]
        return self.rows.searched.search(
            vectors,
            count,
            floor=floor,
            excluded=excluded,
            allowed=allowed,
            unlike=unlike,
            reorder=reorder,
        )

    def likeness_of(self, product_ids: Sequence[str]) -> Likeness | None:
        """Returns what looks like one of these products; None where nobody knows what does."""
        least = self.about.look_alike
        vectors = self.table.vectors_of(product_ids)
        vectors = vectors[vectors.any(axis=1)]
        return Likeness(vectors, least) if least is not None and len(vectors) else None

    def _mask(self, wanted: ProductFilter) -> Mask:
        admitted: Mask = self.columns.mask(wanted)[self.rows.places]
        alive = self.rows.searched.alive
        return admitted if alive is None else admitted & alive


class LiveIndex:
    """The image artifact, and what happened to the catalogue since.

    Changes are applied by one thread; each ends in a new view, which never changes. When a tenth
    of the rows is superseded, another thread lays them out anew and the result is swapped in;
    changes and searches go on meanwhile.

    Args:
        snapshot: The artifact; given away.
        generation: Its name.
        seq: Number of the last change that it holds.
        known: Where vectors of photos are looked up; None where the catalogue is not followed.
        device: Where to search: ``cpu`` or ``cuda``.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        generation: str,
        seq: int,
        known: KnownVectors | None = None,
        device: str = "cpu",
    ) -> None:
        self._generation = generation
        self._about = snapshot.files.about
        self._columns = snapshot.columns
        self._table = snapshot.table(device)
        self._device = device
        self._writing = threading.Lock()
        self._rebuilding: threading.Thread | None = None
        self._built_rows = self._table.rows
        self._not_before = 0.0
        self._faces = (
            None
            if known is None
            else FaceChooser(known, self._about.fingerprint, self._about.dim, snapshot.waiting)
        )
        self._view = self._look(seq)

    @property
    def view(self) -> LiveView:
        """What to answer from; take it once a call."""
        return self._view

    @property
    def superseded_share(self) -> float:
        """Share of the rows that are superseded, 0 to 1."""
        return self._table.superseded_share

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """Returns the photos of the products that would take another vector, in their order."""
        with self._writing:
            return {} if self._faces is None else self._faces.waiting()

    def apply(self, batch: ChangeBatch) -> None:
        """Applies changes; the same ones may come again. Called by one thread at a time.

        Raises:
            Unavailable: The vectors of photos cannot be looked up; nothing is shown of the batch.
            Overloaded: The GPU has no room for more rows.
        """
        if self._faces is None:
            raise ValueError("an index that knows no vectors cannot follow a catalogue")
        with self._writing:
            self._columns.apply(batch.products)
            moves = self._faces.moves(batch, self._table)
            places = self._columns.view().rows_of(moves.ids).astype(np.int32)
            self._table.remove(moves.removed)
            self._table.put(list(moves.ids), moves.vectors, packed_shas(moves.faces), places)
            self._view = self._look(batch.seq)
        self._rebuild_when_due()

    def _look(self, seq: int) -> LiveView:
        return LiveView(
            self._generation,
            seq,
            self._about,
            self._table.view(),
            self._columns.view(),
            self._table,
        )

    def _rebuild_when_due(self) -> None:
        is_busy = self._rebuilding is not None and self._rebuilding.is_alive()
        if is_busy or time.monotonic() < self._not_before:
            return
        if is_due(self._table, self._built_rows):
            self._rebuilding = threading.Thread(target=self._rebuild, name="rebuild", daemon=True)
            self._rebuilding.start()

    def _rebuild(self) -> None:
        old, since = self._table, self._view.rows
        try:
            fresh = compacted(since, old.lists, self._device)
            built_rows = fresh.rows
            with self._writing:
                fresh.carry_over(old, since)
                self._table, self._built_rows = fresh, built_rows
                self._view = self._look(self._view.seq)
        except Exception:  # noqa: BLE001  # whatever it was, it is told and tried again
            # The rows as they are serve on; they are only more than need be.
            self._not_before = time.monotonic() + _AGAIN_S
            _log.exception("the vectors could not be laid out anew")
