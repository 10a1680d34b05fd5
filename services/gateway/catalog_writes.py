"""Writes products: checks what the catalogue cannot, and tells what became of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from catalog.limits import check_product
from catalog.product import Product
from catalog.reports import DeleteReport, UpsertReport, Verdict
from runtime.errors import InvalidArgument, NotFound
from services.gateway.write_lane import WriteLane

MAX_PRODUCTS = 500
MAX_BATCH_BYTES = 4 << 20
MAX_PRODUCT_BYTES = 512 << 10
REJECTED = "rejected"
_PATH = "product"
Item: TypeAlias = Product | Verdict
"""A product to write, or the verdict of one that could not even be read."""


class WritableCatalog(Protocol):
    """The catalogue store, as far as writing needs it. Each call may block."""

    def upsert(self, products: Sequence[Product], *, if_seq: int | None = None) -> UpsertReport:
        """Creates or replaces all of them, or raises Conflict."""
        ...

    def upsert_each(self, products: Sequence[Product]) -> tuple[list[Verdict], int]:
        """A verdict for each, and the clock after the write."""
        ...

    def delete(self, ids: Sequence[str], *, if_seq: int | None = None) -> DeleteReport:
        """Deletes those that exist, or raises Conflict."""
        ...

    def currency(self) -> str:
        """The currency of the catalogue; empty while it knows no price."""
        ...


class Shelf(Protocol):
    """The media store, as far as writing needs it."""

    def path(self, sha256: str) -> Path | None:
        """The file of a photo, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """What became of products, and the clock after the write."""

    results: tuple[Verdict, ...]
    seq: int


class CatalogWrites:
    """The write side of the catalogue. What it returns is on the disk.

    Args:
        catalog: Where products are kept.
        shelf: Where photos are kept.
        lane: The threads in which it writes.
    """

    def __init__(self, catalog: WritableCatalog, shelf: Shelf, lane: WriteLane) -> None:
        self._catalog = catalog
        self._shelf = shelf
        self._lane = lane

    async def put(self, product: Product, *, if_seq: int | None = None) -> Written:
        """Creates or replaces one product.

        Args:
            product: The product; what the store sets is not read.
            if_seq: The ``seq`` that it must have, 0 for one that must not exist; None for any.

        Raises:
            InvalidArgument: It cannot be kept; the error names the field.
            Conflict: It is not at ``if_seq``.
            Unavailable: The database cannot be written now.
        """
        written = await self.upsert([product], if_seq=if_seq)
        [verdict] = written.results
        if verdict.status == REJECTED:
            raise InvalidArgument(verdict.problem, field=verdict.field or None)
        return written

    async def upsert(self, items: Sequence[Item], *, if_seq: int | None = None) -> Written:
        """Creates or replaces products, each with its own verdict, in one transaction.

        Of equal ids the last one that is not rejected counts.

        Raises:
            InvalidArgument: There are none or too many, or ``if_seq`` comes with several.
            Conflict: The one product is not at ``if_seq``.
            Unavailable: The database cannot be written now; nothing is kept.
        """
        if not 1 <= len(items) <= MAX_PRODUCTS:
            raise InvalidArgument(f"give 1 to {MAX_PRODUCTS} products", field="products")
        if if_seq is not None and (len(items) != 1 or if_seq < 0):
            raise InvalidArgument("it goes with one product, and is 0 or more", field="if_seq")
        return await self._lane.run(lambda: self._upsert(items, if_seq))

    async def delete(self, product_id: str, *, if_seq: int | None = None) -> int:
        """Deletes a product and returns the clock after it.

        Raises:
            NotFound: There is none.
            Conflict: It is not at ``if_seq``.
            Unavailable: The database cannot be written now.
        """
        report = await self._lane.run(lambda: self._catalog.delete([product_id], if_seq=if_seq))
        if not report.deleted:
            raise NotFound("there is no such product", field="product_id")
        return report.seq

    def _upsert(self, items: Sequence[Item], if_seq: int | None) -> Written:
        results = self._checked(items)
        fit = [item for item in results if isinstance(item, Product)]
        if if_seq is not None and fit:
            report = self._catalog.upsert(fit, if_seq=if_seq)
            told, seq = [Verdict(fit[0].id, _status(report))], report.seq
        else:
            told, seq = self._catalog.upsert_each(fit)
        verdicts = iter(told)
        return Written(
            tuple(item if isinstance(item, Verdict) else next(verdicts) for item in results), seq
        )

    def _checked(self, items: Sequence[Item]) -> list[Item]:
        currency = _Once(self._catalog.currency)
        return [
            item if isinstance(item, Verdict) else self._check(item, currency) for item in items
        ]

    def _check(self, product: Product, currency: "_Once") -> Item:
        try:
            check_product(product, path=_PATH)
            for image in product.images:
                if self._shelf.path(image) is None:
                    raise InvalidArgument("no such photo is kept: upload it first", field="images")
            if product.currency:
                currency.expect(product.currency)
        except InvalidArgument as error:
            field = (error.field or "").removeprefix(f"{_PATH}.")
            return Verdict(_shown(product.id), REJECTED, error.message, field)
        return _in_lower_case(product)


class _Once:
    """The currency of the catalogue, asked for when the first price comes."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask
        self._known = ""

    def expect(self, currency: str) -> None:
        self._known = self._known or self._ask() or currency
        if currency != self._known:
            raise InvalidArgument(
                f"the prices of this catalogue are in {self._known}, and it has one currency",
                field="currency",
            )


def _in_lower_case(product: Product) -> Product:
    """The product as the catalogue keeps it: "Navy" and "navy" are one value of a facet."""
    return replace(
        product,
        kind=product.kind.lower(),
        gender=product.gender.lower(),
        colour=product.colour.lower(),
        season=product.season.lower(),
    )


def _status(report: UpsertReport) -> str:
    if report.created:
        return "created"
    return "updated" if report.updated else "unchanged"


def _shown(product_id: str) -> str:
    """The id of a rejected product, where it is one; else nothing of what was sent."""
    return product_id if product_id.isprintable() and len(product_id) <= 128 else ""
