"""Does what `hemline train` asks for a model of shoppers."""

import argparse

from offline.layout import DataDir

PREFIX = "option_"
"""Begins the names under which the command line keeps the options of a recipe."""


def train_model(options: argparse.Namespace) -> int:
    """Trains the model that was named, with its options."""
    from offline.models.options import with_options
    from offline.models.recipes import RECIPES
    from offline.rule_options import rules_of
    from offline.train_model import train_model as train
    from offline.train_options import TrainOptions

    given = [
        f"{name.removeprefix(PREFIX)}={text}"
        for name, text in vars(options).items()
        if name.startswith(PREFIX) and text is not None
    ]
    chosen = TrainOptions(
        minimum=options.minimum,
        held_out=options.held_out,
        rules=rules_of(options.weigh),
        publish=options.publish,
        run=options.run,
    )
    recipe = with_options(RECIPES[options.model], given)
    train(DataDir(options.data).require_catalog(), recipe, chosen)
    return 0
