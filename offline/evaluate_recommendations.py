"""Measures how well models of shoppers find what was held out from them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path

from offline.models.contract import Curved, Recipe
from offline.models.recipes import recipe_of
from offline.progress import progress
from offline.recommendations import tables
from offline.recommendations.event_log import EventLog
from offline.recommendations.graphs import Curve, charts
from offline.recommendations.negatives import with_negatives
from offline.recommendations.readers import read_split
from offline.recommendations.report import Report
from offline.recommendations.scoring import Scored, score
from offline.recommendations.shop_log import ShopEvents
from offline.recommendations.splits import Split, cold_items, core, global_time, last_k
from runtime.errors import SetupError

BASELINES = ("random", "popularity")
LAST, TIME, COLD = "last-k", "global-time", "cold-items"
SHOP_SPLITS = ("leave-last-out", LAST, TIME, COLD)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure.

    Attributes:
        models: Recipes with options, such as ``als:factors=256``; random and popularity are
            measured in any case.
        split: Its name.
        depths: At how many places; the first one is that of most tables.
        last: How many products ``last-k`` holds out.
        share: Of the time, or of the products, that ``global-time`` or ``cold-items`` hold out.
        core: Least products a user, and users a product, of a shop's own events; 1: all.
        seed: Of what ``cold-items`` hides, and of the negatives.
        against: Models, named as in ``models``, that all are compared with; popularity and the
            best one are in any case.
        negatives: How many negatives are drawn for each user, to be measured against them as
            well; 0: none but those that a set gives.
    """

    models: tuple[str, ...]
    split: str
    depths: tuple[int, ...] = (10, 20, 50)
    last: int = 5
    share: float = 0.1
    core: int = 1
    seed: int = 0
    against: tuple[str, ...] = ()
    negatives: int = 0

    def __post_init__(self) -> None:
        if not self.depths or min(self.depths) < 1 or max(self.depths) > 1000:
            raise SetupError("the places to look at are numbers of 1 to 1000")
        if min(self.last, self.core) < 1 or self.negatives < 0:
            raise SetupError("what is held out, and the core, are 1 or more, negatives 0 or more")


def dataset_split(folder: Path, asked: Asked) -> Split:
    """Reads a public set with its split.

    Raises:
        SetupError: The folder holds no set that can be read, or it has no such split.
    """
    return read_split(folder, asked.split, last=asked.last)


def shop_split(shop: ShopEvents, asked: Asked) -> Split:
    """Splits what the shoppers of a catalogue did.

    Args:
        shop: What they did.
        asked: By which split.

    Raises:
        SetupError: There is no such split, or nothing can be held out by it.
    """
    splits: Mapping[str, Callable[[EventLog], Split]] = {
        "leave-last-out": lambda log: last_k(log, count=1),
        LAST: lambda log: last_k(log, count=asked.last),
        TIME: lambda log: global_time(log, share=asked.share),
        COLD: lambda log: cold_items(log, share=asked.share, seed=asked.seed),
    }
    if asked.split not in splits:
        known = ", ".join([*splits, "searches"])
        raise SetupError(f"a catalogue is split by {known}, not by {asked.split}")
    log = shop.log()
    return splits[asked.split](log if asked.core == 1 else core(log, minimum=asked.core))


def evaluate(split: Split, asked: Asked, *, name: str) -> Report:
    """Trains every model on the split, scores it, and returns the report.

    Args:
        split: What is learned from and what is asked.
        asked: Which models, at which depths.
        name: What was split, such as the name of a folder.

    Raises:
        SetupError: A model is not known, or cannot learn from this training.
    """
    if asked.negatives:
        split = with_negatives(split, count=asked.negatives, seed=asked.seed)
    scored: list[Scored] = []
    run: dict[str, dict[str, object]] = {}
    curves: dict[str, Curve] = {}
    for label, recipe in _recipes(asked.models).items():
        result, run[label], curves[label] = _measured(label, recipe, split, asked.depths)
        scored.append(result)
    return _report(split, scored, asked, name=name, run=run, curves=curves)


def _recipes(models: Sequence[str]) -> dict[str, Recipe]:
    """Returns the baselines and what was asked for, by name with its options, once each."""
    names = [*(each for each in BASELINES if each not in models), *models]
    return {name: recipe_of(name) for name in dict.fromkeys(names)}


def _measured(
    label: str, recipe: Recipe, split: Split, depths: Sequence[int]
) -> tuple[Scored, dict[str, object], Curve]:
    began = time.perf_counter()
    with progress(f"Training {label}") as shown:
        model = recipe.fit(split.training, None, shown)
    trained = time.perf_counter()
    with progress(f"Scoring {label}", len(split.users)) as shown:
        found = score(label, model, split, depths=depths, shown=shown)
    spent = {"training_s": trained - began, "scoring_s": time.perf_counter() - trained}
    curve: Curve = model.curve if isinstance(model, Curved) else ()
    return found, {"options": _options(recipe), **spent}, curve


def _options(recipe: object) -> dict[str, object]:
    """Returns the fields of a recipe by name."""
    if not is_dataclass(recipe) or isinstance(recipe, type):
        return {}
    return asdict(recipe)


def _report(
    split: Split,
    scored: Sequence[Scored],
    asked: Asked,
    *,
    name: str,
    run: dict[str, dict[str, object]],
    curves: Mapping[str, Curve],
) -> Report:
    depths, depth = asked.depths, asked.depths[0]
    history = tables.by_history_length(split, scored, depth)
    popularity = tables.by_product_popularity(split, scored, depth)
    found = [tables.full_ranking(split, scored, depth)]
    if split.negatives is not None:
        found.append(tables.against_negatives(split, scored, depths))
    found.append(tables.differences(scored, depth, against=asked.against))
    if depths[1:]:
        found.append(tables.deeper(scored, depths[1:]))
    found += [history, popularity, tables.what_is_shown(split, scored, depth)]
    matrix = split.training.confidences
    users, products = matrix.shape
    return Report(
        f"{name}-{split.name}",
        f"Recommendations: {name}, {split.name}",
        (
            f"{users} users, {products} products, {matrix.nnz} pairs to learn from. "
            f"Held out: {split.told}.",
            "What a user has had to do with is no candidate. Equal scores count as the mean over "
            "all their orders, so that a tie favours nobody. Brackets: 95 % bootstrap over users.",
        ),
        tuple(found),
        charts(split, scored, (history, popularity), curves),
        run,
    )
