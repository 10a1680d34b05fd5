"""Asks an artifact a few questions whose answers were written down when it was built.

A digest says that the bytes are those that were written. Canaries say that this program, on this
machine, still reads them as they were meant: another version of a library, a kernel that rounds
otherwise or ids that slipped by one answer otherwise.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from runtime.manifest import ArtifactRefused

FILE = "canary_queries.json"
DEPTH = 5
REASON = "canary_queries"

Answer: TypeAlias = tuple[Sequence[str], Sequence[float]]
"""Ids, best first, and their scores."""


@dataclass(frozen=True, slots=True)
class CanaryQuery:
    """A question and its answer: at most :data:`DEPTH` ids, best first, with their scores."""

    query: str
    ids: tuple[str, ...]
    scores: tuple[float, ...]


def record(
    queries: Sequence[str], ask: Callable[[str, int], Answer], folder: Path
) -> list[dict[str, object]]:
    """Asks each query and writes the answers into the folder of an artifact.

    Args:
        queries: The questions; one that stands twice is asked once.
        ask: Returns the best products for a query, at most as many as the number it is given.
        folder: Folder of the artifact.

    Returns:
        Queries and ids, for the facts of the manifest.
    """
    asked = []
    for query in dict.fromkeys(queries):
        ids, scores = ask(query, DEPTH)
        asked.append(CanaryQuery(query, tuple(ids), tuple(map(float, scores))))
    (folder / FILE).write_text(json.dumps([asdict(each) for each in asked], indent=1))
    return [{"query": each.query, "ids": list(each.ids)} for each in asked]


def recorded(folder: Path) -> tuple[CanaryQuery, ...]:
    """Reads what :func:`record` wrote; an artifact without the file has no canaries.

    Raises:
        ArtifactRefused: The file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return ()
    try:
        found = tuple(
            CanaryQuery(
                str(each["query"]),
                tuple(str(product_id) for product_id in each["ids"]),
                tuple(float(score) for score in each["scores"]),
            )
            for each in json.loads(path.read_bytes())
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactRefused(REASON, f"{path} holds no canary queries") from error
    if any(len(each.ids) != len(each.scores) for each in found):
        raise ArtifactRefused(REASON, f"{path}: ids and scores do not fit each other")
    return found


def check(folder: Path, ask: Callable[[str, int], Answer], *, tolerance: float) -> int:
    """Asks every recorded query again and compares; returns how many were asked.

    Products whose scores lie within the tolerance may change places, at the end of the list with
    one that was not in it.

    Args:
        folder: Folder of the artifact.
        ask: As for :func:`record`.
        tolerance: Difference of scores that is no difference, as a share of ``1 + |score|``.

    Raises:
        ArtifactRefused: An answer is another than when the artifact was built.
    """
    queries = recorded(folder)
    for each in queries:
        ids, scores = ask(each.query, DEPTH)
        if not _agrees(each, ids, scores, tolerance):
            raise ArtifactRefused(
                REASON,
                f"{folder} answers a canary query otherwise than when it was built: "
                f"{', '.join(ids) or 'nothing'} instead of {', '.join(each.ids) or 'nothing'}",
            )
    return len(queries)


def _agrees(
    expected: CanaryQuery, ids: Sequence[str], scores: Sequence[float], tolerance: float
) -> bool:
    if len(ids) != len(expected.ids):
        return False

    def near(one: float, other: float) -> bool:
        return abs(one - other) <= tolerance * (1 + abs(other))

    if not all(map(near, scores, expected.scores)):
        return False
    known = dict(zip(expected.ids, expected.scores, strict=True))
    # A stranger may only stand in for one that was as good as cut off.
    return all(
        near(score, known.get(product_id, expected.scores[-1]))
        for product_id, score in zip(ids, scores, strict=True)
    )
