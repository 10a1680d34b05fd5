"""Counts the facets of a result, and learns of its products what sorting and collapsing need."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from catalog.columns import Columns, ColumnsView
from catalog.facet import MAX_VALUES, Facet, FacetRange, FacetValue
from catalog.product import Product
from catalog.product_filter import Condition, ProductFilter, selected_values
from runtime.errors import ServiceError
from services.gateway.answer import Generation
from services.gateway.arrangement import UNKNOWN, Row, rows_by_id
from services.gateway.budget import Deadline
from services.gateway.fanout import together, within
from services.gateway.query import Query
from services.gateway.stages import Counts, Documents, Rows, TextStage


@dataclass(frozen=True, slots=True)
class Question:
    """Products, the fields to count over them, and whether their rows are wanted."""

    product_ids: Sequence[str]
    fields: Sequence[str]
    rows: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """Facets in the order asked for, and rows by product.

    ``error`` says why the text stage did not count; then the catalogue itself was counted.
    """

    facets: Sequence[Facet] = ()
    rows: Mapping[str, Row] = field(default_factory=dict)
    generation: Generation | None = None
    error: ServiceError | None = None


@dataclass(frozen=True, slots=True)
class FacetCounter:
    """Asks the text stage; where it does not answer, counts the products of the catalogue.

    Both count in the same way, so that the answers are equal where the catalogue stands still.
    ``stage`` None counts the catalogue always.
    """

    stage: TextStage | None
    documents: Documents

    async def count(
        self,
        query: Query,
        questions: Sequence[Question],
        deadline: Deadline,
        *,
        lost: ServiceError | None = None,
    ) -> Counted:
        """The facets that the query asks for, with the values that its filter names marked.

        Args:
            query: Says which facets, whether of styles, and what is selected.
            questions: Each field of the query's facets stands in one of them.
            deadline: For the text stage.
            lost: Why the text stage need not be asked: it failed before.
        """
        if not any(each.product_ids for each in questions):
            return Counted([selected(Facet(name), query.filter) for name in query.facets])
        error = lost
        if self.stage is not None and lost is None:
            try:
                asking = self._asked(self.stage, query, questions, deadline)
                return _merged(query, questions, await within(deadline, asking))
            except ServiceError as problem:
                error = problem
        counts = await self._from_catalogue(query, questions)
        return replace(_merged(query, questions, counts), error=error)

    async def _asked(
        self,
        stage: TextStage,
        query: Query,
        questions: Sequence[Question],
        deadline: Deadline,
    ) -> list[Counts]:
        return await together(
            [
                stage.count_facets(
                    each.product_ids,
                    each.fields,
                    collapse=query.collapse,
                    rows=each.rows,
                    min_seq=query.min_seq,
                    timeout_s=deadline.left_s(),
                )
                for each in questions
            ]
        )

    async def _from_catalogue(
        self, query: Query, questions: Sequence[Question]
    ) -> Sequence[Counts]:
        ids = dict.fromkeys(name for each in questions for name in each.product_ids)
        products = await self.documents.read(list(ids))
        return await asyncio.to_thread(counted, products, questions, collapse=query.collapse)


def counted(
    products: Mapping[str, Product], questions: Sequence[Question], *, collapse: bool
) -> list[Counts]:
    """What the text stage would answer over these products."""
    table = Columns.build(products.values()).view()
    answers = []
    for question in questions:
        # A product that is unknown is of no style, and in no facet.
        known = table.rows_of(question.product_ids)
        places = known[known >= 0]
        styles = table.styles[places] if collapse else None
        facets = [table.facet(places, name, styles) for name in question.fields]
        answers.append(Counts(facets, _rows(table, known) if question.rows else None))
    return answers


def _rows(table: ColumnsView, places: npt.NDArray[np.int32]) -> Rows:
    """The rows at places, -1 for a product that is not there."""
    absent = places < 0
    styles = np.where(absent, UNKNOWN, table.styles[places])
    prices = np.where(absent, UNKNOWN, table.prices[places])
    added = np.where(absent, 0, table.added[places])
    brands, colours = (
        # Code 0 says that a product has no value.
        np.where(absent, UNKNOWN, table.at(field, places) - 1)
        for field in ("brand", "colour")
    )
    columns = (styles, prices, added, brands, colours)
    return Rows(*(column.tolist() for column in columns))


def _merged(query: Query, questions: Sequence[Question], counts: Sequence[Counts]) -> Counted:
    found = {facet.field: facet for each in counts for facet in each.facets}
    rows: dict[str, Row] = {}
    for question, each in zip(questions, counts, strict=True):
        if each.rows is not None:
            rows |= rows_by_id(question.product_ids, each.rows)
    facets = [selected(found[name], query.filter) for name in query.facets]
    return Counted(facets, rows, counts[0].generation)


def selected(facet: Facet, found: ProductFilter | None) -> Facet:
    """The facet with what the filter names at its top marked.

    A value that is named and not counted is added with a count of 0, so that it can be taken back.
    """
    condition = selected_values(found, facet.field)
    if condition is None:
        return facet
    values = [
        replace(each, selected=True) if each.value in condition.values else each
        for each in facet.values
    ]
    if len(values) < MAX_VALUES and not facet.ranges:
        shown = {each.value for each in values}
        missing = sorted({*condition.values} - shown)
        values += [FacetValue(value, 0, selected=True) for value in missing]
    ranges = [replace(each, selected=_is_range(condition, each)) for each in facet.ranges]
    return Facet(facet.field, tuple(values[:MAX_VALUES]), tuple(ranges))


def _is_range(condition: Condition, found: FacetRange) -> bool:
    least, most = condition.interval
    return condition.has_range and (least, most + 1) == (found.gte, found.lt)
