"""Writes the changes of products into a text index that is searched meanwhile."""

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from catalog.columns import ColumnsView
from catalog.feed import Change
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.searched import text_digest
from services.text_retriever.documents import DocumentMaker
from services.text_retriever.files import (
    COLUMNS,
    INDEX,
    TABLE,
    WRITTEN,
    contained,
    open_engine,
    read_tables,
)
from services.text_retriever.hints import Hints
from services.text_retriever.index import TextIndex
from services.text_retriever.query import rows_query

_WRITER_BYTES = 50_000_000
_BUILD_BYTES = 300_000_000


class WritableIndex:
    """A text index in a folder of its own: one thread writes, any thread searches a view.

    Only a product whose searched texts changed is written again; any other change moves columns
    alone. A document that is superseded stays in the statistics of BM25 until the index is
    rebuilt: :attr:`superseded_share` tells how many are.

    Args:
        home: The folder, as :meth:`TextIndex.write` fills it; it is removed by :meth:`close`.

    Raises:
        ArtifactRefused: The files are not of one index.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._columns, self._normalizer, written = read_tables(home)
        self._index = open_engine(home / INDEX, products=len(self._columns.view()))
        with contained():
            self._writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        self._maker = DocumentMaker(self._normalizer)
        self._hints = Hints.of(self._index.searcher(), self._normalizer, written)
        # What the columns have and the index has not yet: it is written with the next changes.
        self._unwritten: dict[int, Product | None] = {}
        self._superseded = 0
        self._is_sorted = True
        self._view = self._looked()

    @classmethod
    def copied(cls, artifact: Path, home: Path) -> "WritableIndex":
        """Opens a copy of an artifact in an empty folder; the artifact is only read."""
        for part in (INDEX, COLUMNS):
            (home / part).mkdir()
            for file in (artifact / part).iterdir():
                _take(file, home / part / file.name)
        for name in (TABLE, WRITTEN):
            _take(artifact / name, home / name)
        return cls(home)

    @classmethod
    def built(
        cls, products: Iterable[Product], home: Path, *, normalizer: Normalizer
    ) -> "WritableIndex":
        """Builds an index of products, in ascending order of id, in an empty folder."""
        TextIndex.write(products, home, normalizer=normalizer, writer_bytes=_BUILD_BYTES)
        return cls(home)

    @property
    def normalizer(self) -> Normalizer:
        """The normaliser that the documents are written with."""
        return self._normalizer

    @property
    def superseded_share(self) -> float:
        """Superseded documents among all that the index holds, 0 to 1."""
        held = self._view.columns.products + self._superseded
        return self._superseded / held if held else 0.0

    def view(self) -> TextIndex:
        """Returns the index as it is now."""
        return self._view

    def apply(self, changes: Sequence[Change], *, pace: Callable[[], None]) -> TextIndex:
        """Applies changes and returns the index with them; the same ones may come again.

        Args:
            changes: What changed, in the order of the changes.
            pace: Called before a commit, which it may hold back.

        Raises:
            Internal: The engine panicked. What it could not write is tried again next time.
        """
        before = self._columns.view()
        self._columns.apply(changes)
        self._note(changes, before)
        if self._unwritten:
            pace()
            self._write()
        self._view = self._looked()
        return self._view

    def close(self) -> None:
        """Ends writing and removes the folder; views go on, their files being mapped."""
        with contained():
            self._writer.wait_merging_threads()
        shutil.rmtree(self._home, ignore_errors=True)

    def _note(self, changes: Sequence[Change], before: ColumnsView) -> None:
        """Notes the rows whose document is no longer what the columns say."""
        last = {change.product_id: change.product for change in changes}
        was = before.rows_of(list(last))
        digests = before.at("text_digest", was[was >= 0]).tolist()
        now = self._columns.view().rows_of(list(last)).tolist()
        for product, old, new in zip(last.values(), was.tolist(), now, strict=True):
            digest = digests.pop(0) if old >= 0 else None
            if product is None:
                if old >= 0:
                    self._unwritten[old] = None
            elif digest != text_digest(product):
                self._unwritten[new] = product

    def _write(self) -> None:
        try:
            with contained():
                # By a query: by a term, the engine takes a number for a signed one and finds none.
                rows = rows_query(self._index.schema, list(self._unwritten))
                self._writer.delete_documents_by_query(rows)
                for row, product in self._unwritten.items():
                    if product is not None:
                        self._writer.add_document(self._maker.document(product, row))
                self._writer.commit()
        except Exception:
            with contained():
                self._writer.rollback()
            raise
        fresh = filter(None, self._unwritten.values())
        self._hints = self._hints.with_words(
            word for product in fresh for word in self._maker.words(product)
        )
        had = self._view.columns
        self._superseded += sum(row < len(had) and had.alive[row] for row in self._unwritten)
        self._is_sorted = self._is_sorted and not any(self._unwritten.values())
        self._unwritten.clear()

    def _looked(self) -> TextIndex:
        with contained():
            self._index.reload()
            return TextIndex(
                self._index,
                self._columns.view(),
                self._normalizer,
                is_sorted=self._is_sorted,
                hints=self._hints,
            )


def _take(file: Path, target: Path) -> None:
    """Puts a file of an artifact into a folder, segments by a link: they are never changed."""
    if file.suffix == ".json":
        shutil.copyfile(file, target)
        return
    try:
        os.link(file, target)
    except OSError:  # On another disk, or not ours to link.
        shutil.copyfile(file, target)
