"""Finds products by words in a BM25 index, among those that a filter admits."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import tantivy
from tantivy import Occur

from catalog.columns import Columns, ColumnsView
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.product_filter import ProductFilter
from runtime import canaries
from services.text_retriever.boosts import Boost, Lift, lift_of, unit_of
from services.text_retriever.documents import ROW, WEIGHTS, DocumentMaker, schema, write_documents
from services.text_retriever.files import (
    COLUMNS,
    INDEX,
    TABLE,
    WRITTEN,
    contained,
    open_engine,
    read_tables,
)
from services.text_retriever.hints import Hints, WrittenWords
from services.text_retriever.query import any_of, clauses_of, none_of, rows_query, with_clauses
from services.text_retriever.scratch import passing_folder
from services.text_retriever.suggest import Completer

__all__ = ["CANARY_TOLERANCE", "FORMAT", "WEIGHTS", "TextIndex"]

FORMAT = 3
CANARY_TOLERANCE = 1e-4
"""Of scores, for canary queries: sums of float32 may round otherwise elsewhere."""

# One writer thread with room for about a million products makes one segment in the order written.
_WRITER_BYTES = 1_000_000_000
_FEW_ROWS = 1_000
_WIDE = 0.2
_SPARE = 1.3
_DEEPER = 4
_MOST_FOR_TIES = 10_000


class TextIndex:
    """The index as it was at one moment; safe to use from many threads.

    All fields are written into one, each word as often as its field weighs: the simple BM25 for
    weighted fields of Robertson, Zaragoza and Taylor (CIKM 2004). A word then has one document
    frequency and one saturation, where a sum over fields counts it up to five times. Measured:
    0.55 ms at 100,000 products, depth 240, one thread, against 0.66 ms for a sum over five boosted
    fields and 1.19 ms for their disjunction-max; on 44,446 real products, queries of colour,
    gender and type, precision at 10 of .976, against .888 and .876.

    The order is total: score, then product id. Products are named by a fast field, their row in
    the columns; a stored document would cost more than the search.

    Args:
        index: The index; its searcher is taken at once.
        columns: The columns at the same moment; each document has its row there.
        normalizer: What the documents were written with.
        is_sorted: Whether the documents lie in one segment in the order of their ids.
        hints: What completing needs besides.
    """

    def __init__(
        self,
        index: tantivy.Index,
        columns: ColumnsView,
        normalizer: Normalizer,
        *,
        is_sorted: bool,
        hints: Hints,
    ) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()
        self._columns, self._normalizer = columns, normalizer
        self._is_sorted = is_sorted and self._searcher.num_segments <= 1
        self._hints = hints
        self._unit = unit_of(self._searcher.num_docs)

    @staticmethod
    def write(
        products: Iterable[Product],
        folder: Path,
        *,
        normalizer: Normalizer | None = None,
        writer_bytes: int = _WRITER_BYTES,
    ) -> dict[str, object]:
        """Writes the index of products, given in ascending order of id, and returns its facts.

        The columns go with it, the normaliser's table of words, and how words are written.

        Raises:
            ValueError: The ids do not ascend.
        """
        normalizer = normalizer or Normalizer()
        home = folder / INDEX
        home.mkdir()
        index = tantivy.Index(schema(), path=str(home))
        writer = index.writer(heap_size=writer_bytes, num_threads=1)
        spelt = WrittenWords(normalizer)
        products = spelt.noted(products)
        columns = Columns.build(write_documents(products, writer, DocumentMaker(normalizer)))
        writer.commit()
        writer.wait_merging_threads()
        for lock in home.glob(".*.lock"):
            lock.unlink()
        (folder / COLUMNS).mkdir()
        columns.write(folder / COLUMNS)
        (folder / TABLE).write_text(normalizer.table.source, encoding="utf-8")
        (folder / WRITTEN).write_bytes(orjson.dumps(spelt.by_token()))
        return {"products": len(columns.view()), "weights": dict(WEIGHTS)}

    @classmethod
    def open(cls, folder: Path) -> "TextIndex":
        """Opens what :meth:`write` wrote, to read; the folder may be read-only.

        Raises:
            ArtifactRefused: The files are not of one index.
        """
        columns, normalizer, written = read_tables(folder)
        # Tantivy puts lock files beside an index that it opens; an artifact must not change. Once
        # open, the files stay mapped and the scratch folder can go.
        with passing_folder() as scratch:
            for file in (folder / INDEX).resolve().iterdir():
                (scratch / file.name).symlink_to(file)
            index = open_engine(scratch, products=len(columns.view()))
            hints = Hints.of(index.searcher(), normalizer, written)
        return cls(index, columns.view(), normalizer, is_sorted=True, hints=hints)

    def __len__(self) -> int:
        """Returns the number of products."""
        return self._columns.products

    @property
    def normalizer(self) -> Normalizer:
        """The normaliser that the documents were written with; queries go through it as well."""
        return self._normalizer

    @property
    def columns(self) -> ColumnsView:
        """The attributes of the products."""
        return self._columns

    @cached_property
    def completer(self) -> Completer:
        """Completes what a shopper types."""
        return self._hints.completer(self._searcher, self._schema, self._columns, self._normalizer)

    def search(
        self,
        tokens: Sequence[str],
        count: int,
        *,
        found: ProductFilter | None = None,
        boosts: Sequence[Boost] = (),
        excluded: Sequence[Sequence[str]] = (),
    ) -> tuple[list[str], npt.NDArray[np.float32]]:
        """Returns the products that hold any of the tokens, best first.

        Fewer than ``count`` are all there are. The mask of the columns decides what the filter
        admits; the engine is only asked in a way that spares it most of the others. A boost of a
        field that the index does not keep reaches the first 10,000 products by words.

        Args:
            tokens: Tokens of the normaliser.
            count: Most products wanted, 1 or more.
            found: A filter that passed its check; None admits all.
            boosts: What lifts some of the products; none is found for a boost alone.
            excluded: Groups of tokens; no product found may hold all of one group.

        Returns:
            Ids, and their scores as float32 of the same length.

        Raises:
            Internal: The engine failed.
        """
        admitted = None
        lift = lift_of(self._schema, self._columns, boosts, self._unit)
        clauses = [*lift.clauses, *none_of(self._schema, excluded)]
        # Some more than wanted show whether the last one wanted is tied with one that is not.
        wanted = depth = count if self._is_sorted else count + count // 8 + 8
        if found is not None:
            admitted = self._columns.mask(found)
            matching = int(np.count_nonzero(admitted))
            if not matching:
                return [], np.empty(0, np.float32)
            admitting, is_exact = clauses_of(self._schema, found)
            if matching <= _FEW_ROWS and not is_exact:
                few = rows_query(self._schema, np.flatnonzero(admitted).tolist())
                clauses.append((Occur.Must, few))
            elif matching < _WIDE * len(self) and admitting:
                clauses += admitting
                depth = wanted if is_exact else _DEEPER * wanted
            else:
                depth = int(_SPARE * wanted * len(self) / matching) + 1
        query = with_clauses(any_of(self._schema, tokens), clauses)
        rows, scores = self._best(query, count, admitted, depth, lift)
        ids = self._columns.ids
        return [ids[row] for row in rows.tolist()], scores

    def answer(self, text: str, count: int) -> canaries.Answer:
        """Returns the best products for a text, as :meth:`search` does, for canary queries."""
        ids, scores = self.search(self._normalizer.tokens(text), count)
        return ids, scores.tolist()

    def _best(
        self,
        query: tantivy.Query,
        count: int,
        admitted: npt.NDArray[np.bool_] | None,
        depth: int,
        lift: Lift,
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Asks deeper and deeper until enough of the hits are admitted, and none below would be
        lifted above them.
        """
        depth = min(depth, max(self._searcher.num_docs, 1))
        while True:
            rows, scores = self._hits(query, depth)
            is_all = len(rows) < depth or depth >= self._searcher.num_docs
            reach = (scores[-1] if len(scores) else 0.0) + lift.most
            if lift.rows is not None:
                scores = scores + lift.rows[rows]
            if admitted is not None:
                kept = admitted[rows]
                rows, scores = rows[kept], scores[kept]
            enough = len(rows) >= count
            # Equal scores are cut off in the order of the segments: those of the last may lack
            # the one with the smallest id.
            is_in_order = self._is_sorted and lift.rows is None
            is_settled = is_in_order or np.count_nonzero(scores > reach) >= count
            if is_all or (enough and (is_settled or depth >= _MOST_FOR_TIES)):
                order = np.lexsort((self._columns.id_ranks(rows), -scores))[:count]
                return rows[order], scores[order]
            depth = min(_DEEPER * depth, self._searcher.num_docs)

    def _hits(
        self, query: tantivy.Query, depth: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        with contained():
            hits = self._searcher.search(query, depth, count=False).hits
            found = self._searcher.fast_field_values(ROW, [address for _, address in hits])
        rows = np.array(found, np.int32)
        return rows, np.fromiter((score for score, _ in hits), np.float32, len(hits))
