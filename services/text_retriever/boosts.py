"""Lifts the products that a query favours above others that hold the same words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tantivy import Occur, Query, Schema

from catalog.columns import ColumnsView
from catalog.product_filter import Condition
from services.text_retriever.documents import is_kept
from services.text_retriever.query import Clauses, holding


@dataclass(frozen=True, slots=True)
class Boost:
    """What lifts a product, once, if it meets a condition.

    ``weight``, 0 or more, is in the unit of :func:`unit_of`.
    """

    condition: Condition
    weight: float


@dataclass(frozen=True, slots=True)
class Lift:
    """What boosts add to scores.

    Attributes:
        clauses: Those of fields that the engine knows: it adds them itself.
        rows: What the others add, float32 of shape [rows of the columns]; None for nothing.
        most: The most that ``rows`` may add to one product.
    """

    clauses: Clauses
    rows: npt.NDArray[np.float32] | None = None
    most: float = 0.0


def unit_of(documents: int) -> float:
    """Returns the score of a word that one of the documents holds, once and at average length.

    It is the inverse document frequency of Robertson and Sparck Jones as BM25 smooths it.
    """
    return math.log(1 + (documents - 0.5) / 1.5) if documents else 0.0


def lift_of(schema: Schema, columns: ColumnsView, boosts: Sequence[Boost], unit: float) -> Lift:
    """Returns what boosts add to scores.

    Args:
        schema: Schema of the index.
        columns: The columns at the same moment.
        boosts: Conditions on values, which passed their check.
        unit: What a weight of 1 adds.
    """
    clauses: Clauses = []
    rows: npt.NDArray[np.float32] | None = None
    most = 0.0
    for boost in boosts:
        score, condition = boost.weight * unit, boost.condition
        if is_kept(condition.field):
            held = holding(schema, condition.field, condition.values)
            clauses.append((Occur.Should, Query.const_score_query(held, score)))
        else:
            rows = np.zeros(len(columns), np.float32) if rows is None else rows
            rows[columns.mask(condition)] += score
            most += score
    return Lift(clauses, rows, most)
