"""Trains the factors of shoppers and products, and publishes them."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse
from threadpoolctl import threadpool_limits

from catalog.interaction import Interaction
from catalog.store import CatalogStore
from offline import relevance
from offline.layout import DataDir
from offline.progress import Progress, progress, say
from offline.taste_matrix import TELLING_KINDS, HeldOut, TasteMatrix, hold_out, taste_matrix
from runtime.artifacts import Artifact, ArtifactStore
from runtime.errors import SetupError
from services.reranker.factors import FORMAT, Factors, FactorTables
from services.reranker.generations import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOP = 10
_SHOPPERS_AT_ONCE = 256


class NoInteractions(SetupError):
    """There is nothing to learn from; a release can do without factors."""


@dataclass(frozen=True, slots=True)
class AlsOptions:
    """How to train.

    Attributes:
        factors: Width of a vector, 1 or more.
        regularization: Pull towards zero, > 0.
        iterations: Passes over shoppers and products, 1 or more.
        alpha: What every confidence is multiplied by, > 0.
        seed: Of the first factors.
        minimum: Least products a shopper, and shoppers a product, to learn from.
        held_out: Share of the time span at its end on which the figures are taken, 0 to .9; 0
            takes none. The published factors learn from everything.
    """

    factors: int = 32
    regularization: float = 1.0
    iterations: int = 15
    alpha: float = 5.0
    seed: int = 42
    minimum: int = 2
    held_out: float = 0.1


DEFAULTS = AlsOptions()


def train_als(data: DataDir, options: AlsOptions = DEFAULTS) -> Artifact:
    """Trains on the interactions of a catalogue and publishes a "ranking" artifact.

    Nothing is trained again while interactions and options stay as they were. The same
    interactions, options and machine give the same factors.

    Raises:
        NoInteractions: No two shoppers share a product.
        SetupError: There is no catalogue, or an option makes no sense.
    """
    _check(options)
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        inputs = {
            "interactions": store.interactions_digest(),
            "options": json.dumps(asdict(options), sort_keys=True),
        }
        artifacts = ArtifactStore(data.artifacts)
        made = artifacts.find(KIND, format=FORMAT, inputs=inputs)
        if made is not None:
            say(f"The factors {made.generation} are up to date.")
            return made
        seq = store.seq()
        tables, facts = _learn(store, options)
    finally:
        store.close()
    artifact = artifacts.publish(
        KIND,
        format=FORMAT,
        seq=seq,
        inputs=inputs,
        write=lambda folder: {**Factors.write(tables, folder), **facts},
    )
    say(_summary(artifact))
    return artifact


def _learn(store: CatalogStore, options: AlsOptions) -> tuple[FactorTables, dict[str, object]]:
    def scan() -> "Iterator[Interaction]":
        return store.interactions(kinds=TELLING_KINDS)

    matrix = taste_matrix(scan(), minimum=options.minimum)
    if not matrix.confidences.nnz:
        raise NoInteractions(
            "there are too few interactions to learn tastes from: "
            "search works without them, import some for personal results"
        )
    split = None
    if options.held_out:
        split = hold_out(scan, share=options.held_out, minimum=options.minimum)
    with progress("Training factors", options.iterations * (2 if split else 1)) as shown:
        report = _report(split, options, shown) if split else None
        tables = fit(matrix, options, shown)
    facts: dict[str, object] = {
        "confidences": int(matrix.confidences.nnz),
        "dislikes": int((matrix.confidences.data < 0).sum()),
        "iterations": options.iterations,
        "held_out": report,
    }
    return tables, facts


def fit(matrix: TasteMatrix, options: AlsOptions, shown: Progress) -> FactorTables:
    """Factorises a matrix by alternating least squares (Hu, Koren, Volinsky, ICDM 2008)."""
    # implicit takes a second to import and is needed here alone.
    from implicit.cpu.als import AlternatingLeastSquares

    # Its own threads each call BLAS: threads of BLAS below them make it many times slower.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=options.factors,
            regularization=options.regularization,
            alpha=options.alpha,
            iterations=options.iterations,
            random_state=options.seed,
        )
        model.fit(matrix.confidences, show_progress=False, callback=lambda *_: shown.advance())
    return FactorTables(
        matrix.product_ids,
        matrix.user_ids,
        np.asarray(model.item_factors, np.float32),
        np.asarray(model.user_factors, np.float32),
        options.regularization,
        options.alpha,
    )


def _report(split: HeldOut, options: AlsOptions, shown: Progress) -> dict[str, object]:
    """Returns how well factors of the time before find what was taken after, and popularity."""
    tables = fit(split.before, options, shown)
    liked = sparse.csr_matrix(split.before.confidences > 0)
    popularity = np.asarray(liked.sum(axis=0), np.float32).ravel()
    model, popular = _Figures(), _Figures()
    columns = {product: column for column, product in enumerate(split.before.product_ids)}
    shoppers = [row for row, user in enumerate(split.before.user_ids) if user in split.taken]
    for start in range(0, len(shoppers), _SHOPPERS_AT_ONCE):
        rows = shoppers[start : start + _SHOPPERS_AT_ONCE]
        scores = tables.user_factors[rows] @ tables.item_factors.T
        seen = split.before.confidences[rows]
        for place, row in enumerate(rows):
            unseen = np.ones(len(columns), bool)
            unseen[seen[place].indices] = False
            relevant = np.zeros(len(columns), bool)
            relevant[[columns[each] for each in split.taken[split.before.user_ids[row]]]] = True
            model.add(scores[place][unseen], relevant[unseen])
            popular.add(popularity[unseen], relevant[unseen])
    return {
        "cut": split.cut.isoformat(),
        "shoppers": len(shoppers),
        "factors": model.facts(),
        "popularity": popular.facts(),
    }


class _Figures:
    """Collects recall and NDCG over shoppers."""

    def __init__(self) -> None:
        self._recall: list[float] = []
        self._ndcg: list[float] = []

    def add(self, scores: npt.NDArray[np.float32], relevant: relevance.Flags) -> None:
        """Takes one shopper's scores of all products that were new to them into account."""
        flags, count = relevance.ranked(scores, relevant), int(relevant.sum())
        self._recall.append(relevance.recall(flags, _TOP, relevant=count))
        self._ndcg.append(relevance.ndcg(flags, _TOP, relevant=count))

    def facts(self) -> dict[str, object]:
        """Returns means with 95 % intervals as JSON values."""
        return {
            f"recall@{_TOP}": asdict(relevance.estimate(self._recall)),
            f"ndcg@{_TOP}": asdict(relevance.estimate(self._ndcg)),
        }


def _summary(artifact: Artifact) -> str:
    facts = artifact.facts
    told = f"Factors {artifact.generation}: {facts['users']} shoppers, {facts['products']} products"
    report = facts["held_out"]
    if not isinstance(report, dict):
        return told
    ours, popular = (report[name][f"recall@{_TOP}"]["mean"] for name in ("factors", "popularity"))
    return (
        f"{told}; of what {report['shoppers']} shoppers took after {report['cut'][:10]} the first "
        f"{_TOP} hold {ours:.1%} (most popular first: {popular:.1%})"
    )


def _check(options: AlsOptions) -> None:
    if min(options.factors, options.iterations, options.minimum) < 1:
        raise SetupError("factors, iterations and minimum must be 1 or more")
    if options.regularization <= 0 or options.alpha <= 0:
        raise SetupError("regularization and alpha must be more than 0")
    if not 0 <= options.held_out <= 0.9:
        raise SetupError("the share held out must lie between 0 and .9")
