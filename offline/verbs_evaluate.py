"""Does what `hemline evaluate recommendations` asks."""

import argparse

from offline.layout import DataDir
from runtime.errors import SetupError


def evaluate_recommendations(options: argparse.Namespace) -> int:
    """Measures models of shoppers on a catalogue or on a public set."""
    from offline.evaluate_recommendations import Asked, dataset_split, evaluate, shop_split

    chosen = Asked(
        models=tuple(name for each in options.model for name in each.split(",") if name),
        split=options.split,
        depths=_depths(options.at),
        last=options.last,
        share=options.share,
        core=options.core,
        seed=options.seed,
    )
    if options.dataset is not None:
        split = dataset_split(options.dataset, chosen)
        name = options.dataset.resolve().name
    else:
        data = DataDir(options.data)
        split, name = shop_split(data, chosen), data.root.resolve().name
    evaluate(split, chosen, name=name).publish(options.report, as_json=options.json)
    return 0


def _depths(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(each) for each in text.split(",")))
    except ValueError as problem:
        raise SetupError("--at takes numbers, such as 10,50") from problem
