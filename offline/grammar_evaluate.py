"""Says what `hemline evaluate` may be asked."""

from pathlib import Path
from typing import TYPE_CHECKING

from offline import verbs
from offline.grammar_parts import takes_json, verb_of

if TYPE_CHECKING:
    from offline.grammar_parts import Commands

# The names of offline/suites.py, which loads what measures and would make every command slow.
SUITES = ("attributes", "exclusions", "languages", "fusion", "pictures", "backgrounds")


def add_evaluate(commands: "Commands") -> None:
    """Adds `evaluate retrieval`."""
    group = commands.add_parser(
        "evaluate",
        help="measures how good the answers are",
        description="Measures how good the answers are.",
    )
    subjects = group.add_subparsers(title="subjects", metavar="WHAT", required=True)
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
