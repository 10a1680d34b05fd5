"""Counts how a set of products is spread over the values of a field."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_VALUES = 100
MAX_RANGES = 8

_MAX_INT64 = 2**63 - 1
_SHARE_IN_STEPS = 0.95


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value, how many products or styles hold it, and whether the request's filter names it."""

    value: str
    count: int
    selected: bool = False


@dataclass(frozen=True, slots=True)
class FacetRange:
    """The numbers from ``gte`` to below ``lt``, and how many products or styles are in it."""

    gte: int
    lt: int
    count: int
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """How often each value of a field occurs: ``values`` of words, or ``ranges`` of numbers.

    Values come most frequent first, then in order of the value, at most 100; ranges ascend, at
    most 8, and together hold every product that has the number.
    """

    field: str
    values: tuple[FacetValue, ...] = ()
    ranges: tuple[FacetRange, ...] = ()


def facet_of_counts(field: str, counts: Mapping[str, int]) -> Facet:
    """Returns the facet of counted values; those counted zero times are left out."""
    order = sorted((-count, value) for value, count in counts.items() if count > 0)
    return Facet(field, tuple(FacetValue(value, -count) for count, value in order[:MAX_VALUES]))


def facet_of_codes(
    field: str,
    codes: npt.NDArray[np.int32],
    values: Callable[[int], Sequence[str]],
    *,
    styles: npt.NDArray[np.int32] | None = None,
) -> Facet:
    """Returns the facet of what is held under codes.

    Args:
        field: The field.
        codes: A code for each product, 0 or more, int32 of shape [products].
        values: The values that are held under a code, each once.
        styles: Style of each product, int32 of the same shape; given, styles are counted, each
            once for a value, however many of its variants hold it.
    """
    held: Counter[str] = Counter()
    if styles is None:
        found, counts = np.unique(codes, return_counts=True)
        for code, count in zip(found.tolist(), counts.tolist(), strict=True):
            for value in values(code):
                held[value] += count
        return facet_of_counts(field, held)
    pairs = np.unique((codes.astype(np.int64) << 32) | styles)
    both = zip((pairs >> 32).tolist(), (pairs & 0xFFFFFFFF).tolist(), strict=True)
    pairs_held = {(value, style) for code, style in both for value in values(code)}
    return facet_of_counts(field, Counter(value for value, _ in pairs_held))


def facet_of_numbers(
    field: str, numbers: npt.NDArray[np.int64], *, styles: npt.NDArray[np.int32] | None = None
) -> Facet:
    """Returns the facet of numbers in ranges of equal, round steps; empty ranges are left out.

    Args:
        field: The field.
        numbers: 0 or more each, int64 of shape [products that have one].
        styles: Style of each, int32 of the same shape; given, styles are counted.
    """
    edges = round_edges(numbers)
    places = np.searchsorted(np.array(edges[1:-1], np.int64), numbers, side="right")
    if styles is not None:
        places = np.unique(np.stack([places, styles]), axis=1)[0]
    counts = np.bincount(places, minlength=max(len(edges) - 1, 0))
    found = zip(edges, edges[1:], counts.tolist(), strict=False)
    return Facet(field, ranges=tuple(FacetRange(*each) for each in found if each[2]))


def round_edges(numbers: npt.NDArray[np.int64]) -> Sequence[int]:
    """Returns the edges of at most 8 ranges that hold all the numbers, steps of 1, 2 or 5 times
    a power of ten.

    The step suits 95 % of the numbers; few that lie far above share the last range, which a
    single dear product would else make the only one.
    """
    if not len(numbers):
        return ()
    least, most = int(numbers.min()), int(numbers.max())
    usual = int(np.quantile(numbers, _SHARE_IN_STEPS, method="higher"))
    step = _step(least, most)
    if usual < most:
        step = min(step, _step(least, usual, spare=1))
    first = least // step * step
    count = min((most - first) // step + 1, MAX_RANGES)
    inner = [first + step * place for place in range(count)]
    # The greatest number that a price may be has none above it in 64 bits.
    return (*inner, min((most // step + 1) * step, _MAX_INT64))


def _step(least: int, most: int, *, spare: int = 0) -> int:
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if most // step - least // step + 1 <= MAX_RANGES - spare:
                return step
        power *= 10
