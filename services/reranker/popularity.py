"""Holds how much each product is taken: ever, lately, and in each season."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.seasons import SEASONS
from runtime.artifacts import ArtifactRefused

KIND = "popularity"
FORMAT = 1
RECENT_WEIGHT, SEASON_WEIGHT, OVERALL_WEIGHT = 2.0, 2.0, 1.0
"""How much what is taken lately, in the season, and ever, says for a product."""

Floats = npt.NDArray[np.float32]


class Popularity:
    """One generation of popularity, opened from an artifact; it never changes.

    Args:
        product_ids: The products, one a row.
        overall: How much each is taken, float32 [products], >= 0.
        recent: How much each was taken lately, float32 [products], >= 0.
        seasons: How much each is taken in each of :data:`SEASONS`, float32 [products, 4], >= 0.
    """

    def __init__(
        self, product_ids: Sequence[str], overall: Floats, recent: Floats, seasons: Floats
    ) -> None:
        self.product_ids = tuple(product_ids)
        now = OVERALL_WEIGHT * _shares(overall) + RECENT_WEIGHT * _shares(recent)
        self._by_season: dict[str, Floats] = {
            name: now + SEASON_WEIGHT * _shares(seasons[:, place])
            for place, name in enumerate(SEASONS)
        }

    @staticmethod
    def write(
        product_ids: Sequence[str],
        overall: Floats,
        recent: Floats,
        seasons: Floats,
        folder: Path,
    ) -> Mapping[str, object]:
        """Writes the popularity into a folder and returns the facts for its manifest.

        Args:
            product_ids: The products, each once.
            overall: How much each is taken, float32 [products], >= 0; in any unit.
            recent: The same of late.
            seasons: The same by season, float32 [products, 4]: spring, summer, autumn, winter.
            folder: Empty.

        Raises:
            ValueError: The arrays do not fit the products.
        """
        problem = _problem(list(product_ids), overall, recent, seasons)
        if problem:
            raise ValueError(problem)
        np.save(folder / "overall.npy", overall, allow_pickle=False)
        np.save(folder / "recent.npy", recent, allow_pickle=False)
        np.save(folder / "seasons.npy", seasons, allow_pickle=False)
        (folder / "items.json").write_text(json.dumps(list(product_ids)), encoding="utf-8")
        return {"products": len(product_ids)}

    @classmethod
    def open(cls, folder: Path) -> "Popularity":
        """Reads what :meth:`write` wrote.

        Raises:
            ArtifactRefused: The files do not hold the popularity of one list of products.
        """
        try:
            ids = json.loads((folder / "items.json").read_text(encoding="utf-8"))
            overall = np.load(folder / "overall.npy", allow_pickle=False)
            recent = np.load(folder / "recent.npy", allow_pickle=False)
            seasons = np.load(folder / "seasons.npy", allow_pickle=False)
        except (OSError, ValueError, RecursionError) as error:
            raise ArtifactRefused(
                "popularity_unreadable", f"cannot read {folder}: {error}"
            ) from error
        problem = _problem(ids, overall, recent, seasons)
        if problem:
            raise ArtifactRefused("popularity_inconsistent", f"{folder}: {problem}")
        return cls(ids, overall, recent, seasons)

    def scores(self, season: str) -> Floats:
        """Returns how popular each product is now, float32 [products], 0 where nobody takes it.

        Each of the three columns counts by its shares of the whole, so that none drowns the
        others: ``overall + 2 recent + 2 season``, in a hundred-thousandth of all that is taken.

        Args:
            season: One of :data:`SEASONS`.
        """
        return self._by_season[season]


def _shares(column: Floats) -> Floats:
    total = float(column.sum(dtype=np.float64))
    shares: Floats = column * np.float32(1e5 / total) if total > 0 else np.zeros_like(column)
    return shares


def _problem(ids: object, overall: Floats, recent: Floats, seasons: Floats) -> str:
    """Says why the arrays cannot be the popularity of the products; empty if they can."""
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        return "items.json is not a list of ids"
    if len(set(ids)) != len(ids):
        return "an id stands twice"
    if overall.shape != (len(ids),) or recent.shape != (len(ids),):
        return "the columns do not match the ids in number"
    if seasons.shape != (len(ids), len(SEASONS)):
        return "the seasons do not match the ids in number"
    for column in (overall, recent, seasons):
        if column.dtype != np.float32:
            return "an array is not float32"
        if not (np.isfinite(column).all() and (column >= 0).all()):
            return "a popularity is not a number of 0 or more"
    return ""
