"""Lays out a table of vectors anew, without the rows that are superseded."""

import numpy as np

from services.image_retriever.exact import Vectors
from services.image_retriever.nearest import (
    EXACT_BELOW,
    InvertedLists,
    choose_probes,
    lists_for,
    recall_queries,
    train_lists,
)
from services.image_retriever.table import TableView, VectorTable

# Of superseded rows; beyond it, searches read too much that nobody may find.
MOST_SUPERSEDED = 0.1
_GROWTH = 1.5


def is_due(table: VectorTable, built_rows: int) -> bool:
    """Tells whether a table should be laid out anew.

    So when a tenth of its rows is superseded, or when it outgrew its lists.

    Args:
        table: The table.
        built_rows: Rows that it had when it was laid out last.
    """
    if table.superseded_share >= MOST_SUPERSEDED:
        return True
    if table.is_on_gpu or table.rows < max(EXACT_BELOW, _GROWTH * built_rows):
        return False
    return table.lists is None or lists_for(table.rows) > table.lists.lists


def compacted(view: TableView, lists: InvertedLists | None, device: str) -> VectorTable:
    """Returns a table of the rows that are alive in a view; takes seconds, for nobody's searches.

    Lists of the right number take the rows without being trained again: 1 s for 100,000 rows of
    256 instead of 9.

    Args:
        view: What to lay out.
        lists: Lists of the table that the view is of.
        device: Where to search.
    """
    alive = view.searched.alive
    total = len(view.places)
    rows = np.arange(total) if alive is None else np.flatnonzero(alive)
    vectors = np.ascontiguousarray(view.searched.vectors[rows])
    made = None if device != "cpu" or len(rows) < EXACT_BELOW else _lists(vectors, lists)
    return VectorTable(
        [view.ids[row] for row in rows.tolist()],
        vectors,
        view.faces[rows],
        view.places[rows],
        made,
        device,
    )


def _lists(vectors: Vectors, lists: InvertedLists | None) -> InvertedLists | None:
    if lists is not None and lists.lists == lists_for(len(vectors)):
        return lists.refilled(vectors)
    index = train_lists(vectors)
    probes, _ = choose_probes(index, vectors, recall_queries(vectors))
    return InvertedLists(index, probes) if probes else None
