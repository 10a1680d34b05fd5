"""Says what `hemline evaluate` may be asked."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from offline import verbs, verbs_evaluate
from offline.grammar_parts import takes_json, verb_of

if TYPE_CHECKING:
    from offline.grammar_parts import Commands

# The names of offline/suites.py, which loads what measures and would make every command slow.
SUITES = ("attributes", "exclusions", "languages", "fusion", "pictures", "backgrounds")


def add_evaluate(commands: "Commands") -> None:
    """Adds `evaluate retrieval` and `evaluate recommendations`."""
    group = commands.add_parser(
        "evaluate",
        help="measures how good the answers are",
        description="Measures how good the answers are.",
    )
    subjects = group.add_subparsers(title="subjects", metavar="WHAT", required=True)
    _add_recommendations(subjects)
    _add_rules(subjects)
    verb = verb_of(
        subjects,
        "retrieval",
        verbs.evaluate_retrieval,
        says="Scores the encoder alone, then words alone, pictures alone and both. Searches the "
        "held-out\nproducts only, those that the encoder has not learned from. A suite measures "
        "something else:\nattributes (one label a query), exclusions, languages, fusion, pictures "
        "(a photo and a word),\nbackgrounds (behind a garment).",
        examples=(
            "hemline evaluate retrieval",
            "hemline evaluate retrieval --data var/shop --report var/shop/evaluation",
            "hemline evaluate retrieval --data var/demo --suite exclusions",
            "hemline evaluate retrieval --data var/demo --suite languages --dataset ~/datasets",
        ),
    )
    verb.add_argument(
        "--split", choices=["held-out"], default="held-out", help="products to score on"
    )
    verb.add_argument("--suite", choices=SUITES, default="", help="what to measure instead")
    verb.add_argument(
        "--dataset",
        type=Path,
        metavar="DIR",
        help="with a suite: folder of test collections, each in a folder of its own name: "
        "fashion12k_de_en, musinsa_ko, scifact, cranfield",
    )
    verb.add_argument(
        "--report", type=Path, metavar="DIR", help="folder for the tables, as Markdown and JSON"
    )
    takes_json(verb)


def _add_recommendations(subjects: "Commands") -> None:
    verb = verb_of(
        subjects,
        "recommendations",
        verbs_evaluate.evaluate_recommendations,
        says="Measures how well models of shoppers find what was held out from them. All products "
        "are\nranked for every user, popularity and chance stand in every table, and ties favour "
        "nobody.\nA catalogue is split by leave-last-out, last-k, global-time or cold-items; a "
        "public set (--dataset)\nby leave-last-out, last-k, p1, p10 or given, as its files allow. "
        "The split `searches` asks\nthe searches of the last part of the time again, with and "
        "without the shopper's taste.",
        examples=(
            "hemline evaluate recommendations --data var/demo --model als,rp3beta",
            "hemline evaluate recommendations --data var/demo --split cold-items --share .15",
            "hemline evaluate recommendations --data var/demo --split searches --share .2",
            "hemline evaluate recommendations --dataset ~/datasets/citeulike/cmn_loo --split given "
            "\\\n      --model als:factors=128,ease --report var/evaluation",
        ),
    )
    _takes_splits(verb)
    _takes_models(verb)
    takes_json(verb)


def _add_rules(subjects: "Commands") -> None:
    verb = verb_of(
        subjects,
        "rules",
        verbs_evaluate.evaluate_rules,
        says="Measures what each rule of confidence is good for: ALS foretells what shoppers take\n"
        "with all rules, and without each of them.",
        examples=(
            "hemline evaluate rules --data var/demo",
            "hemline evaluate rules --data var/demo --shoppers 1500 --shoppers-seed 11",
        ),
    )
    _takes_drawn(verb)
    verb.add_argument("--report", type=Path, metavar="DIR", help="folder for the table")
    takes_json(verb)


def _takes_drawn(verb: argparse.ArgumentParser) -> None:
    """Lets a verb draw shoppers of its own."""
    verb.add_argument(
        "--shoppers",
        type=int,
        metavar="N",
        help="draw so many shoppers for the catalogue, in place of its own; nothing is kept",
    )
    verb.add_argument(
        "--shoppers-seed", type=int, default=11, metavar="S", help="of their draw (default: 11)"
    )


def _takes_splits(verb: argparse.ArgumentParser) -> None:
    """Lets a verb say what is held out, and of what."""
    verb.add_argument(
        "--dataset", type=Path, metavar="DIR", help="a public set instead of a catalogue"
    )
    verb.add_argument(
        "--split", default="leave-last-out", help="what is held out (default: leave-last-out)"
    )
    verb.add_argument(
        "--last", type=int, default=5, metavar="K", help="products that last-k holds out a user"
    )
    verb.add_argument(
        "--share",
        type=float,
        default=0.1,
        metavar="S",
        help="part of the time (global-time) or of the products (cold-items) (default: .1)",
    )
    verb.add_argument(
        "--core",
        type=int,
        default=1,
        metavar="K",
        help="least products a user and users a product, again and again (default: 1, all)",
    )
    _takes_drawn(verb)
    verb.add_argument("--seed", type=int, default=0, help="of what cold-items hides (default: 0)")


def _takes_models(verb: argparse.ArgumentParser) -> None:
    """Lets a verb say which models are measured at which depths, and where the report goes."""
    verb.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="recipes of `hemline train`, with options as in als:factors=64:alpha=10",
    )
    verb.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="models to show differences to, beside popularity and the best",
    )
    verb.add_argument(
        "--negatives",
        type=int,
        default=0,
        metavar="N",
        help="rank against N drawn products a user as well; such figures flatter (default: 0)",
    )
    verb.add_argument(
        "--at", default="10,20,50", metavar="K[,K]", help="places to look at (default: 10,20,50)"
    )
    verb.add_argument(
        "--report", type=Path, metavar="DIR", help="folder for the tables and the page with charts"
    )
