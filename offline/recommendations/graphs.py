"""Turns what models came to into the charts of a report."""

from collections.abc import Mapping, Sequence

import numpy as np

from offline.recommendations.bands import by_popularity
from offline.recommendations.scoring import Scored
from offline.recommendations.shown import Chart, Series, Table
from offline.recommendations.splits import Split
from offline.recommendations.tables import share
from offline.relevance import Estimate

Curve = Sequence[Mapping[str, float]]
STEP = "step"


def charts(
    split: Split, scored: Sequence[Scored], banded: Sequence[Table], curves: Mapping[str, Curve]
) -> tuple[Chart, ...]:
    """Returns the charts: one for each banded table, popularity bias, and how models learned.

    Args:
        split: What was asked.
        scored: What came of it.
        banded: Tables whose first column counts and whose others are models.
        curves: What each model says of its own training; empty for those that say nothing.
    """
    return (
        *map(_banded, banded),
        _bias(split, scored),
        *_learned(curves),
    )


def _banded(table: Table) -> Chart:
    labels = tuple(name for name, _ in table.rows)
    series = []
    for place, name in enumerate(table.columns[1:], 1):
        cells = [cells[place] for _, cells in table.rows]
        found = [cell if isinstance(cell, Estimate) else None for cell in cells]
        series.append(
            Series(
                name,
                tuple(each.mean if each else None for each in found),
                tuple(each.low if each else None for each in found),
                tuple(each.high if each else None for each in found),
            )
        )
    return Chart(table.title, labels, tuple(series))


def _bias(split: Split, scored: Sequence[Scored]) -> Chart:
    bands = by_popularity(split)
    taken = np.bincount(split.relevant.indices, minlength=split.relevant.shape[1])
    # Last, so that each model keeps its colour from chart to chart.
    rows = [*((each.name, each.shown) for each in scored), ("what was taken", taken)]
    series = [Series(name, tuple(share(band, counts) for band in bands)) for name, counts in rows]
    labels = tuple(band.name for band in bands)
    return Chart("Popularity bias: share of the places by popularity", labels, tuple(series))


def _measures(name: str) -> bool:
    """Whether a value of a curve is a figure, and no option that was tried."""
    return "@" in name or "loss" in name


def _learned(curves: Mapping[str, Curve]) -> list[Chart]:
    """One chart a figure: steps of different models do not compare, so each has its own line."""
    figures = dict.fromkeys(
        name for curve in curves.values() for row in curve for name in row if _measures(name)
    )
    found = []
    for figure in figures:
        models = {name: curve for name, curve in curves.items() if any(figure in r for r in curve)}
        steps = sorted({row[STEP] for curve in models.values() for row in curve})
        series = []
        for name, curve in models.items():
            values = {row[STEP]: row.get(figure) for row in curve}
            series.append(Series(name, tuple(values.get(step) for step in steps)))
        labels = tuple(f"{step:g}" for step in steps)
        title = f"Learning: {figure}"
        found.append(Chart(title, labels, tuple(series), is_curve=True, x_title=STEP))
    return found
