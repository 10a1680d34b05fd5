"""Does what `hemline evaluate recommendations` and `hemline evaluate rules` ask."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from offline.layout import DataDir
from runtime.errors import SetupError

if TYPE_CHECKING:
    from offline.demo_shoppers import ShopperOptions
    from offline.evaluate_recommendations import Asked
    from offline.recommendations.report import Report

SEARCHES = "searches"


def evaluate_recommendations(options: argparse.Namespace) -> int:
    """Measures models of shoppers on a catalogue or on a public set."""
    from offline.evaluate_recommendations import Asked, dataset_split, evaluate

    chosen = Asked(
        models=_names(options.model),
        split=options.split,
        depths=_depths(options.at),
        last=options.last,
        share=options.share,
        core=options.core,
        seed=options.seed,
        against=_names(options.against),
        negatives=options.negatives,
    )
    if options.dataset is not None:
        split = dataset_split(options.dataset, chosen)
        report = evaluate(split, chosen, name=options.dataset.resolve().name)
    else:
        report = _of_shop(options, chosen)
    report.publish(options.report, as_json=options.json)
    return 0


def evaluate_rules(options: argparse.Namespace) -> int:
    """Measures what each rule of confidence is good for."""
    from offline.evaluate_rules import evaluate_rules as evaluate
    from offline.recommendations.shop_log import shop_events

    data = DataDir(options.data)
    report = evaluate(shop_events(data, _drawn(options)), name=data.root.resolve().name)
    report.publish(options.report, as_json=options.json)
    return 0


def _drawn(options: argparse.Namespace) -> "ShopperOptions | None":
    from offline.demo_shoppers import ShopperOptions

    if options.shoppers is None:
        return None
    return ShopperOptions(shoppers=options.shoppers, seed=options.shoppers_seed)


def _of_shop(options: argparse.Namespace, chosen: "Asked") -> "Report":
    from offline.evaluate_recommendations import evaluate, shop_split
    from offline.evaluate_searches import evaluate_searches
    from offline.recommendations.shop_log import shop_events

    data = DataDir(options.data)
    shop = shop_events(data, _drawn(options))
    if chosen.split == SEARCHES:
        if len(chosen.models) > 1:
            raise SetupError("searches are asked again with the factors of one model")
        model = chosen.models[0] if chosen.models else "als"
        return evaluate_searches(data, shop, model=model, share=chosen.share)
    return evaluate(shop_split(shop, chosen), chosen, name=data.root.resolve().name)


def _names(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for each in given for name in each.split(",") if name)


def _depths(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(each) for each in text.split(",")))
    except ValueError as problem:
        raise SetupError("--at takes numbers, such as 10,50") from problem
