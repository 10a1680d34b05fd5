"""Says what `hemline train` may be told, the options of every recipe among it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from offline import verbs, verbs_train
from offline.grammar_parts import verb_of
from offline.models.places import PLACES

if TYPE_CHECKING:
    from offline.grammar_parts import Commands


class ModelParser(argparse.ArgumentParser):
    """A parser that learns the options of its recipe when they are first needed.

    A recipe is imported for that, which takes a while that no other command should wait for.
    """

    model = ""

    def parse_known_args(  # type: ignore[override]  # of its overloads this one is called
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parses, once the options are known."""
        if self.model:
            _takes_options(self, self.model)
            self.model = ""
        return super().parse_known_args(args, namespace)


def add_train(commands: "Commands") -> None:
    """Adds `train clip` and `train` with the name of every recipe."""
    group = commands.add_parser(
        "train",
        help="learns how products look (clip) or who likes what (als and others)",
        description="Learns how products look (clip) or who likes what (all others).",
    )
    models = cast(
        "Commands",
        group.add_subparsers(
            title="models", metavar="MODEL", required=True, parser_class=ModelParser
        ),
    )
    _clip(models)
    for name, (_, _, says) in PLACES.items():
        _model(models, name, says)


def _clip(models: "Commands") -> None:
    clip = verb_of(
        models,
        "clip",
        verbs.train_clip,
        says="Trains a small CLIP on the catalogue's photos and titles. 15 % of the products are "
        "held out,\nand the model is scored on them.",
        examples=("hemline train clip", "hemline train clip --data var/shop --epochs 30"),
    )
    clip.add_argument("--epochs", type=int, metavar="N", help="passes over the photos")
    clip.add_argument("--lr", type=float, metavar="X", help="peak of the learning rate")
    clip.add_argument("--run", type=Path, metavar="DIR", help="folder for figures and checkpoints")
    clip.add_argument("--preset", default="default", help="default, or demo for drawn products")


def _model(models: "Commands", name: str, says: str) -> None:
    verb = verb_of(
        models,
        name,
        verbs_train.train_model,
        says=f"{says[0].upper()}{says[1:]}. Learns from what shoppers did.\n"
        "The last tenth of the time is held out first, to say how well it is foretold; what is\n"
        "published learns from everything, and `hemline build` releases it.",
        examples=(f"hemline train {name}", f"hemline train {name} --data var/shop --no-publish"),
    )
    verb.set_defaults(model=name)
    if isinstance(verb, ModelParser):
        verb.model = name
    _takes_manner(verb)


def _takes_manner(verb: argparse.ArgumentParser) -> None:
    """Adds what every training may be told, whatever the model."""
    verb.add_argument(
        "--minimum",
        type=int,
        default=2,
        metavar="N",
        help="least products a shopper, and shoppers a product, to learn from (default: 2)",
    )
    verb.add_argument(
        "--held-out",
        type=float,
        default=0.1,
        metavar="S",
        help="share of the time that the figures are taken on; 0: none (default: .1)",
    )
    verb.add_argument(
        "--weigh",
        action="append",
        default=[],
        metavar="RULE=X",
        help="how much something says, such as purchase=5 (docs/personalisation.md)",
    )
    verb.add_argument("--run", type=Path, metavar="DIR", help="folder for figures and the model")
    verb.add_argument(
        "--publish",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="publish what can be served (default), or keep the run alone",
    )


def _takes_options(verb: argparse.ArgumentParser, name: str) -> None:
    from offline.models.options import options_of
    from offline.models.recipes import RECIPES

    options = verb.add_argument_group("options of the model")
    for option in options_of(RECIPES[name]).values():
        # argparse takes a percent sign for a place to fill in.
        says = option.says.replace("%", "%%")
        options.add_argument(
            f"--{option.name.replace('_', '-')}",
            dest=f"{verbs_train.PREFIX}{option.name}",
            metavar="X",
            help=f"{says} (default: {option.shown})",
        )
