"""Says where the image stage looks for a query, by the vectors of its parts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidArgument
from services.gateway.parts import Example, Part, Words
from services.gateway.query import Query
from services.gateway.stages import QueryKind, QueryVector

MAX_CANDIDATES = 5000
# What is ordered anew is deep: the best by words and kind may be far down the first list.
_DEEPER, _LEAST_DEEP = 5, 1000
_VECTOR = np.dtype("<f4")
_LEAST_NORM = 1e-4
_KIND = "kind"
_Sum = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Aim:
    """Where to look.

    Attributes:
        vector: What products are near to.
        order: Unit vector by which the nearest are ordered anew; empty: they stay as they are.
        candidates: How many of them are ordered anew; 0 where none are.
        kind: Unit vector of the photos, of whose kind the products should be; empty: of any.
        kind_products: Products of the query, of whose kinds they should be too.
    """

    vector: QueryVector
    order: bytes = b""
    candidates: int = 0
    kind: bytes = b""
    kind_products: tuple[str, ...] = ()


def aim_at(query: Query, vectors: Sequence[QueryVector], count: int) -> Aim | None:
    """Where to look for the ``count`` best; None where the encoder knows no word of the query.

    The query's vector is the weighted sum of the vectors of its parts. With words and pictures,
    the words say what is to be otherwise than in the picture, such as its colour: so the kind is
    the picture's, unless the words name one or nothing is to be understood; so it is too where all
    that was said became a filter. Several products are each heard by their kinds: the mean of a
    dress and a bag may be a skirt. The kind of a product is what the catalogue says; that of a
    photo its neighbours tell. Where the query asks for two stages, the picture's share in the first
    and the words' in the second are those of their sums; words that the encoder does not know then
    leave the picture and its kind alone.

    Args:
        query: The query.
        vectors: Of each part of it, all of one encoder.
        count: Most products wanted.

    Raises:
        InvalidArgument: The parts cancel each other out.
    """
    pairs = [(p, v) for p, v in zip(query.parts, vectors, strict=True) if v.data]
    if not pairs:
        return None
    words = [(part, vector) for part, vector in pairs if isinstance(part.source, Words)]
    pictures = [(part, vector) for part, vector in pairs if not isinstance(part.source, Words)]
    fingerprint, depth = vectors[0].fingerprint, _depth(count)
    if query.rerank is not None and words and pictures:
        picture, said = _unit(_sum(pictures)), _unit(_sum(words))
        first, second = query.rerank.first, query.rerank.second
        data = _packed(first * picture + (1.0 - first) * said)
        order = _packed(second * said + (1.0 - second) * picture)
        kind = QueryKind.MIXED if 0 < first < 1 else _kind(not first, first > 0)
        return Aim(QueryVector(fingerprint, kind, data), order, depth)
    data = _packed(_sum(pairs))
    vector = QueryVector(fingerprint, _kind(bool(words), bool(pictures)), data)
    shown = [(part, each) for part, each in pictures if part.weight > 0]
    products = tuple(p.source.product_id for p, _ in shown if isinstance(p.source, Example))
    is_named = any(boost.field == _KIND for boost in query.boosts)
    is_said = query.said or any(isinstance(part.source, Words) for part in query.parts)
    has_kind = bool(shown) and (is_said or len(set(products)) > 1)
    if not has_kind or is_named or not query.understand.enabled:
        return Aim(vector)
    photos = [(part, each) for part, each in shown if not isinstance(part.source, Example)]
    return Aim(vector, data, depth, _packed(_sum(photos)) if photos else b"", products)


def _depth(count: int) -> int:
    return min(max(_LEAST_DEEP, _DEEPER * count), MAX_CANDIDATES)


def _kind(has_words: bool, has_pictures: bool) -> QueryKind:
    if not has_pictures:
        return QueryKind.TEXT
    return QueryKind.MIXED if has_words else QueryKind.PHOTO


def _sum(pairs: Sequence[tuple[Part, QueryVector]]) -> _Sum:
    # In float64, so that the order of equal parts does not show in the result.
    rows = np.stack([np.frombuffer(vector.data, _VECTOR).astype(np.float64) for _, vector in pairs])
    total: _Sum = np.array([part.weight for part, _ in pairs], np.float64) @ rows
    return total


def _unit(total: _Sum) -> _Sum:
    norm = float(np.linalg.norm(total))
    if norm < _LEAST_NORM:
        raise InvalidArgument("the parts cancel each other out", field="parts")
    return total / norm


def _packed(total: _Sum) -> bytes:
    return _unit(total).astype(_VECTOR).tobytes()
