"""Turns what models came to into the tables of a report."""

from collections.abc import Sequence

import numpy as np

from offline.models.contract import Rows
from offline.recommendations.bands import Band, by_history, by_popularity, likings
from offline.recommendations.bootstrap import Values, estimates
from offline.recommendations.metrics import FIGURES
from offline.recommendations.scoring import Scored
from offline.recommendations.shown import Cell, Row, Table
from offline.recommendations.splits import Split
from offline.relevance import Estimate
from runtime.errors import SetupError

FULL, DEEPER, SAMPLED = "full ranking", "full ranking, other depths", "given negatives"
DIFFERENCES, HISTORY, POPULARITY, SHOWN = (
    "differences",
    "by history",
    "by popularity",
    "what is shown",
)
POPULAR = "popularity"


def full_ranking(split: Split, scored: Sequence[Scored], depth: int) -> Table:
    """All figures at the first depth, with coverage and novelty."""
    names = [f"{figure}@{depth}" for figure in FIGURES]
    cells = _estimated(scored, names)
    rows: list[Row] = [
        (
            each.name,
            (*row, f"{coverage(split, each):.1%}", f"{novelty(split, each):.2f}"),
        )
        for each, row in zip(scored, cells, strict=True)
    ]
    count = len(split.users)
    many = f"{int(split.candidates.sum())} products"
    title = f"Full ranking: {count} users, {split.relevant.nnz} held out, {many} ranked for each."
    return Table(FULL, title, (*names, "coverage", "novelty, bits"), tuple(rows))


def deeper(scored: Sequence[Scored], depths: Sequence[int]) -> Table:
    """Hit rate, NDCG and recall at the other depths."""
    names = [f"{figure}@{depth}" for depth in depths for figure in ("HR", "NDCG", "Recall")]
    return Table(
        DEEPER, "The same at other depths.", tuple(names), _rows(scored, _estimated(scored, names))
    )


def against_negatives(split: Split, scored: Sequence[Scored], depths: Sequence[int]) -> Table:
    """The figures against given negatives, labelled as what they are."""
    some = scored[0].sampled
    names = [name for depth in depths for name in (f"HR@{depth}", f"NDCG@{depth}") if name in some]
    values = np.column_stack([each.sampled[name] for each in scored for name in names])
    cells = _chunks(estimates(values), len(names))
    count = 0 if split.negatives is None else split.negatives.shape[1]
    title = (
        f"SAMPLED: against {count} negatives a user. Good for comparison with published "
        "tables alone: such figures are not those of a ranking and may order models differently."
    )
    return Table(SAMPLED, title, tuple(names), _rows(scored, cells))


def differences(scored: Sequence[Scored], depth: int, *, against: Sequence[str] = ()) -> Table:
    """Paired differences to popularity, to the best model and to those named, by NDCG and HR.

    Raises:
        SetupError: One of those named was not measured.
    """
    by_name = {each.name: each for each in scored}
    names = [f"NDCG@{depth}", f"HR@{depth}"]
    best = max(scored, key=lambda each: float(each.figures[names[0]].mean()))
    others = list(dict.fromkeys([POPULAR, *against, best.name]))
    if missing := [name for name in others if name not in by_name]:
        raise SetupError(f"nothing can be compared with {missing[0]}: it was not measured")
    columns = [
        each.figures[name] - by_name[other].figures[name]
        for each in scored
        for other in others
        for name in names
    ]
    cells = _chunks(estimates(np.column_stack(columns)), len(others) * len(names))
    title = (
        "Paired differences: row minus column, over the same users. An interval without 0 is a "
        "difference that other users would show as well."
    )
    heads = tuple(f"{name} over {other}" for other in others for name in names)
    rows: list[Row] = []
    for each, row in zip(scored, cells, strict=True):
        own = [other == each.name for other in others for _ in names]
        rows.append(
            (
                each.name,
                tuple(None if is_own else cell for is_own, cell in zip(own, row, strict=True)),
            )
        )
    return Table(DIFFERENCES, title, heads, tuple(rows))


def by_history_length(split: Split, scored: Sequence[Scored], depth: int) -> Table:
    """NDCG by the number of products that a user has had to do with."""
    bands = by_history(split)
    rows: list[Row] = []
    for band in bands:
        values = np.column_stack([each.figures[f"NDCG@{depth}"][band.rows] for each in scored])
        rows.append((band.name, (int(band.rows.sum()), *estimates(values))))
    title = f"NDCG@{depth} by the products in a user's history."
    names = tuple(each.name for each in scored)
    return Table(HISTORY, title, ("users", *names), tuple(rows))


def by_product_popularity(split: Split, scored: Sequence[Scored], depth: int) -> Table:
    """Recall of held-out products by how popular they are in the training."""
    columns = split.relevant.indices
    users = np.repeat(np.arange(len(split.users)), np.diff(split.relevant.indptr))
    rows: list[Row] = []
    for band in by_popularity(split):
        chosen = band.rows[columns]
        if chosen.any():
            found = np.column_stack([each.found[chosen] for each in scored])
            cells = estimates(_means(found, users[chosen]))
            rows.append((band.name, (int(chosen.sum()), *cells)))
    title = (
        f"Share of held-out products found in the first {depth}, by their popularity in the "
        "training (means over users). Products that nobody liked there are cold."
    )
    names = tuple(each.name for each in scored)
    return Table(POPULARITY, title, ("held out", *names), tuple(rows))


def what_is_shown(split: Split, scored: Sequence[Scored], depth: int) -> Table:
    """Which share of all places goes to products of each popularity, beside what was taken."""
    bands = by_popularity(split)
    taken = np.bincount(split.relevant.indices, minlength=split.relevant.shape[1])
    rows: list[Row] = [("what was taken", _shares(bands, taken))]
    rows += [(each.name, _shares(bands, each.shown)) for each in scored]
    title = (
        f"Popularity bias: share of all places among the first {depth} that goes to products of "
        "each popularity, and the share of them in what was taken."
    )
    return Table(SHOWN, title, tuple(band.name for band in bands), tuple(rows))


def coverage(split: Split, scored: Scored) -> float:
    """Returns the share of the candidates that stand in somebody's first list."""
    return float(np.count_nonzero(scored.shown) / np.count_nonzero(split.candidates))


def novelty(split: Split, scored: Scored) -> float:
    """Returns the mean self-information of the places shown, ``-log2`` of the share who like it.

    In bits (Vargas, Castells, RecSys 2011); one liking is added to each, so that a product that
    nobody likes is the most novel and not infinitely so.
    """
    users = split.training.confidences.shape[0]
    information = -np.log2((likings(split) + 1.0) / (users + 1.0))
    return float((information * scored.shown).sum() / max(scored.shown.sum(), 1))


def share(band: Band, counts: Rows) -> float:
    """Returns the share of counts [products] that falls to a band."""
    return float(counts[band.rows].sum() / max(counts.sum(), 1))


def _shares(bands: Sequence[Band], counts: Rows) -> tuple[Cell, ...]:
    return tuple(f"{share(band, counts):.1%}" for band in bands)


def _means(values: Values, users: Rows) -> Values:
    """Returns the means of each user's rows: those of one user do not vary on their own."""
    _, rows = np.unique(users, return_inverse=True)
    sums = np.zeros((int(rows.max()) + 1, values.shape[1]))
    np.add.at(sums, rows, values)
    return np.asarray(sums / np.bincount(rows)[:, None], np.float64)


def _estimated(scored: Sequence[Scored], names: Sequence[str]) -> list[list[Estimate]]:
    columns: list[Values] = [each.figures[name] for each in scored for name in names]
    return _chunks(estimates(np.column_stack(columns)), len(names))


def _chunks(flat: Sequence[Estimate], width: int) -> list[list[Estimate]]:
    return [list(flat[start : start + width]) for start in range(0, len(flat), width)]


def _rows(scored: Sequence[Scored], cells: Sequence[Sequence[Estimate]]) -> tuple[Row, ...]:
    return tuple((each.name, tuple(row)) for each, row in zip(scored, cells, strict=True))
