"""Writes the factors of shoppers and products into files, and reads them."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from runtime.artifacts import ArtifactRefused

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FactorTables:
    """What a matrix factorisation leaves behind.

    ``item_factors`` is [len(product_ids), k] and ``user_factors`` [len(user_ids), k], both
    float32 and of the same training; ``regularization`` (> 0) and ``alpha`` (> 0, the factor of
    every confidence) are those of the training and are needed to fold a history in.
    """

    product_ids: Sequence[str]
    user_ids: Sequence[str]
    item_factors: Vector
    user_factors: Vector
    regularization: float
    alpha: float


def write_tables(tables: FactorTables, folder: Path) -> Mapping[str, object]:
    """Writes the factors into a folder and returns the facts for its manifest.

    Raises:
        ValueError: The tables do not fit each other.
    """
    problem = _problem(tables)
    if problem:
        raise ValueError(problem)
    np.save(folder / "items.npy", tables.item_factors, allow_pickle=False)
    np.save(folder / "users.npy", tables.user_factors, allow_pickle=False)
    (folder / "items.json").write_text(json.dumps(list(tables.product_ids)), encoding="utf-8")
    (folder / "users.json").write_text(json.dumps(list(tables.user_ids)), encoding="utf-8")
    scalars = {"regularization": tables.regularization, "alpha": tables.alpha}
    (folder / "model.json").write_text(json.dumps(scalars), encoding="utf-8")
    return {
        "products": len(tables.product_ids),
        "users": len(tables.user_ids),
        "factors": int(tables.item_factors.shape[1]),
        **scalars,
    }


def read_tables(folder: Path) -> FactorTables:
    """Reads what :func:`write_tables` wrote.

    Raises:
        ArtifactRefused: The files do not hold factors that fit each other.
    """
    try:
        scalars = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        tables = FactorTables(
            product_ids=_read_ids(folder / "items.json"),
            user_ids=_read_ids(folder / "users.json"),
            item_factors=np.load(folder / "items.npy", allow_pickle=False),
            user_factors=np.load(folder / "users.npy", allow_pickle=False),
            regularization=float(scalars["regularization"]),
            alpha=float(scalars["alpha"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactRefused("factors_unreadable", f"cannot read {folder}: {error}") from error
    problem = _problem(tables)
    if problem:
        raise ArtifactRefused("factors_inconsistent", f"{folder}: {problem}")
    return tables


def _read_ids(path: Path) -> list[str]:
    ids = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise ValueError(f"{path.name} is not a list of ids")
    return ids


def _problem(tables: FactorTables) -> str:
    """Says why the tables cannot be factors of one model; empty if they can."""
    items, users = tables.item_factors, tables.user_factors
    if items.dtype != np.float32 or users.dtype != np.float32:
        return "factors are not float32"
    if items.ndim != 2 or users.ndim != 2 or items.shape[1] != users.shape[1]:
        return f"factors of different models: items {items.shape}, users {users.shape}"
    if not items.size:
        return "there are no item factors"
    if len(tables.product_ids) != len(items) or len(tables.user_ids) != len(users):
        return "the ids do not match the factors in number"
    for ids in (tables.product_ids, tables.user_ids):
        if len(set(ids)) != len(ids):
            return "an id stands twice"
    if not (np.isfinite(items).all() and np.isfinite(users).all()):
        return "a factor is not finite"
    if not (0 < tables.regularization < math.inf and 0 < tables.alpha < math.inf):
        return "regularization and alpha must be positive"
    return ""
