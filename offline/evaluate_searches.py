"""Measures whether knowing the shopper puts what is bought further up in a search."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from offline.layout import DataDir
from offline.models.contract import Model
from offline.models.factors import FactorModel
from offline.models.recipes import recipe_of
from offline.progress import progress
from offline.recommendations.bootstrap import estimates
from offline.recommendations.report import Report
from offline.recommendations.search_replay import (
    FIGURES,
    PERSONAL,
    PLAIN,
    STRANGER,
    Replay,
    past_searches,
    replay,
)
from offline.recommendations.shop_log import ShopEvents
from offline.recommendations.shown import Chart, Series, Table
from offline.released_search import released_search
from offline.relevance import Estimate
from runtime.errors import SetupError
from services.reranker.factors import Factors, FactorTables

MAIN, DIFFERENCES = "searches", "differences of searches"
_WAYS = (PLAIN, PERSONAL, STRANGER)


def evaluate_searches(data: DataDir, shop: ShopEvents, *, model: str, share: float) -> Report:
    """Trains on the time before, and asks the searches of the time after again.

    The search is the gateway's own, over the release in force, at its default weight of taste.

    Args:
        data: Where the release is.
        shop: What was done.
        model: A recipe with options whose scores are dot products, such as ``als:factors=32``.
        share: Of the time that the events span, held out at its end; between 0 and 1.

    Raises:
        SetupError: Nothing was bought after a search in that time, nothing is released, or the
            model has no factors.
    """
    if not 0 < share < 1:
        raise SetupError("the share of the time that is held out lies between 0 and 1")
    log = shop.log()
    cut = float(log.at[0] + (log.at[-1] - log.at[0]) * (1.0 - share))
    searches = past_searches(shop.events, cut=cut)
    if len({each.user_id for each in searches}) < 2:
        raise SetupError("too little was bought after a search in that time: hold out more of it")
    pipeline = released_search(data).pipeline
    training = log.training(log.at <= cut)
    with progress(f"Training {model}") as shown:
        fitted = recipe_of(model).fit(training, None, shown)
    factors = _factors(fitted, log.product_ids)
    with progress("Searching", len(_WAYS) * len(searches)) as shown:
        found = asyncio.run(replay(pipeline, factors, searches, shown))
    name = data.root.resolve().name
    return _report(found, name=name, model=model, share=share)


def _factors(model: Model, product_ids: tuple[str, ...]) -> Factors:
    if not isinstance(model, FactorModel):
        raise SetupError("only a model of factors takes part in a search, such as als")
    none = np.zeros((0, model.item_factors.shape[1]), np.float32)
    return Factors(
        FactorTables(product_ids, (), model.item_factors, none, model.regularization, model.alpha)
    )


def _report(found: Replay, *, name: str, model: str, share: float) -> Report:
    by_way = {way: found.by_user(found.figures[way]) for way in _WAYS}
    cells = {way: estimates(values) for way, values in by_way.items()}
    gains = {
        f"{PERSONAL} minus {way}": estimates(by_way[PERSONAL] - by_way[way])
        for way in (PLAIN, STRANGER)
    }
    searches = len(found.users)
    main = Table(
        MAIN,
        "Where what was put into the cart or bought after a search stands in that search.",
        FIGURES,
        tuple((way, tuple(row)) for way, row in cells.items()),
    )
    differences = Table(
        DIFFERENCES,
        "Paired differences over the same shoppers.",
        FIGURES,
        tuple((way, tuple(row)) for way, row in gains.items()),
    )
    return Report(
        f"{name}-searches",
        f"Personal search: {name}, {model}, the last {share:.0%} of the time",
        (
            f"{searches} searches of {len(by_way[PLAIN])} shoppers that led to something within "
            "an hour, asked again through the gateway's own pipeline. The factors learned from "
            "the time before; a shopper is known by what they had done before the search. Means "
            "over shoppers of the means over their searches; brackets: 95 % bootstrap.",
        ),
        (main, differences),
        (_chart(main.title, cells),),
        {model: {"searches": searches}},
    )


def _chart(title: str, cells: Mapping[str, Sequence[Estimate]]) -> Chart:
    series = [
        Series(
            way,
            tuple(each.mean for each in row),
            tuple(each.low for each in row),
            tuple(each.high for each in row),
        )
        for way, row in cells.items()
    ]
    return Chart(title, FIGURES, tuple(series))
