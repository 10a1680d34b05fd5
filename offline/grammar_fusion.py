"""Teaches the verb that tunes how rankings are merged."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from offline.grammar_parts import takes_json, verb_of
from offline.layout import DataDir

if TYPE_CHECKING:
    from offline.grammar_parts import Commands

CLASSES = ("words_short", "words_long", "photo", "both_short", "both_long")
"""Those of the gateway's tuned fusion, which takes long to import."""


def add_tune_fusion(commands: "Commands") -> None:
    """Adds ``tune-fusion``."""
    verb = verb_of(
        commands,
        "tune-fusion",
        _tune_fusion,
        says="Chooses how words and pictures are merged, by queries whose right answers are known. "
        "One half\nof the queries chooses, the other half is scored, class by class (words, or "
        "words and a picture;\nshort or long). A class whose choice is worse than words alone "
        "or pictures alone\nstays as it is served now. The choice is part of a release: `hemline "
        "rollback` takes it back.",
        examples=(
            "hemline tune-fusion --data var/shop --queries judged.tsv",
            "hemline tune-fusion --data var/shop --queries beir/",
            "hemline tune-fusion --data var/shop --clicks --class words_long",
        ),
    )
    _takes_source(verb)
    verb.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        metavar="CLASS",
        help=f"tune this class only: {', '.join(CLASSES)}; may be given for each. A photo alone "
        "is answered by the pictures: there is nothing to merge",
    )
    verb.add_argument(
        "--no-publish",
        dest="publish",
        action="store_false",
        help="only make; `hemline publish` puts it in force",
    )
    verb.add_argument(
        "--report", type=Path, metavar="DIR", help="folder for fusion.json and fusion.md"
    )
    takes_json(verb)


def _takes_source(verb: argparse.ArgumentParser) -> None:
    """Lets the verb be told by what to choose."""
    source = verb.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--queries",
        type=Path,
        metavar="PATH",
        help="a TSV file with the columns query, product_id and, if wanted, gain and like; or a "
        "folder in the layout of TREC or BEIR",
    )
    source.add_argument(
        "--clicks", action="store_true", help="what shoppers looked at and took after a search"
    )


def _tune_fusion(options: argparse.Namespace) -> int:
    """Tunes; 1 where nothing is chosen, or a choice loses to one of its inputs."""
    from offline.tune_fusion import TuneOptions, tune_fusion

    chosen = TuneOptions(
        queries=options.queries,
        classes=tuple(options.classes),
        release=options.publish,
        report=options.report,
        as_json=options.json,
    )
    return 0 if tune_fusion(DataDir(options.data).require_catalog(), chosen) else 1
