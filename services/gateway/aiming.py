"""Says what of a query is made into vectors, and where the image stage looks by them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidArgument
from services.gateway.parts import Part, Words
from services.gateway.query import Query
from services.gateway.stages import QueryKind, QueryVector

MAX_CANDIDATES = 5000
# The words order a list that the picture alone would cut where it is still of use.
_DEEPER, _LEAST_DEEP = 5, 1000
_VECTOR = np.dtype("<f4")
_LEAST_NORM = 1e-4


@dataclass(frozen=True, slots=True)
class Aim:
    """Where to look.

    Attributes:
        vector: What products are near to.
        order: Unit vector by which the nearest are ordered anew; empty: they stay as they are.
        candidates: How many of them are ordered anew; 0 where none are.
    """

    vector: QueryVector
    order: bytes = b""
    candidates: int = 0


def mixtures(query: Query) -> list[Sequence[Part]]:
    """The parts that are made into one vector each.

    All of them together; or, where the picture leads and the words order, the pictures and the
    words apart, so that each vector is kept and found again for itself.
    """
    if query.rerank is None:
        return [query.parts]
    words = [part for part in query.parts if isinstance(part.source, Words)]
    pictures = [part for part in query.parts if not isinstance(part.source, Words)]
    return [pictures, words]


def aim_at(query: Query, vectors: Sequence[QueryVector], count: int) -> Aim:
    """Where to look for the ``count`` best, by the vectors of :func:`mixtures`.

    Words that the encoder does not know say nothing: the picture alone finds and orders.

    Raises:
        InvalidArgument: Words and picture cancel each other out.
    """
    if query.rerank is None or not vectors[1].data:
        return Aim(vectors[0])
    picture, words = (_numbers(vector.data) for vector in vectors)
    first, second = query.rerank.first, query.rerank.second
    data = _mixed(picture, words, first)
    order = _mixed(picture, words, 1.0 - second)
    kind = QueryKind.MIXED if 0 < first < 1 else vectors[first == 0].kind
    depth = min(max(_LEAST_DEEP, _DEEPER * count), MAX_CANDIDATES)
    return Aim(QueryVector(vectors[0].fingerprint, kind, data), order, depth)


def _numbers(data: bytes) -> NDArray[np.float64]:
    return np.frombuffer(data, _VECTOR).astype(np.float64)


def _mixed(picture: NDArray[np.float64], words: NDArray[np.float64], share: float) -> bytes:
    """The unit vector, in little-endian float32, in which the picture has this share."""
    total = share * picture + (1.0 - share) * words
    norm = float(np.linalg.norm(total))
    if norm < _LEAST_NORM:
        raise InvalidArgument("words and picture cancel each other out", field="parts")
    return (total / norm).astype(_VECTOR).tobytes()
