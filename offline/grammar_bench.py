"""Teaches the verb that measures."""

import argparse
from typing import TYPE_CHECKING

from offline import verbs_bench as verbs
from offline.grammar_parts import STAGES, takes_json, verb_of

if TYPE_CHECKING:
    from offline.grammar_parts import Commands


def add_bench(commands: "Commands") -> None:
    """Adds ``bench``."""
    verb = verb_of(
        commands,
        "bench",
        verbs.bench,
        says="Measures the running system, and the same queries without any network as its limit. "
        "What does\nnot run is started for the time of the measurement. With --mix writes it "
        "changes products while it is\nsearched, and measures when every replica shows a change; "
        "the catalogue is left as it was found.",
        examples=(
            "hemline bench",
            "hemline bench --products 100000",
            "hemline bench --mix writes --seconds 60 --replicas text=2 --replicas image=2",
            "hemline bench --scale 10000,100000,1000000",
            "hemline bench --training 10000000",
            "hemline bench --ranking 50000",
        ),
        data=None,
    )
    verb.add_argument(
        "--products",
        type=int,
        default=0,
        metavar="N",
        help="of a synthetic catalogue in var/bench-N",
    )
    verb.add_argument(
        "--scale",
        default="",
        metavar="N,N",
        help="synthetic catalogues of these sizes, one after the other: what grows, as a table",
    )
    verb.add_argument(
        "--requests", type=int, default=4000, metavar="N", help="searches a measurement"
    )
    _takes_single_works(verb)
    _takes_writes(verb)
    takes_json(verb)


def _takes_single_works(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--training",
        type=int,
        default=0,
        metavar="N",
        help="train ALS on N drawn interactions beside the library alone, and nothing else",
    )
    verb.add_argument(
        "--ranking",
        type=int,
        default=0,
        metavar="N",
        help="what the ranking stage does, over N drawn products in one process, and nothing else",
    )


def _takes_writes(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--mix",
        choices=["searches", "writes", "all"],
        default="searches",
        help="searches alone, writes beside searches, or both in turn (default: searches)",
    )
    verb.add_argument(
        "--writes", type=float, default=50.0, metavar="R", help="changes a second (default: 50)"
    )
    verb.add_argument(
        "--searches",
        type=float,
        default=20.0,
        metavar="R",
        help="searches a second beside the writes (default: 20)",
    )
    verb.add_argument(
        "--seconds", type=float, default=60.0, metavar="S", help="of writing (default: 60)"
    )
    verb.add_argument(
        "--replicas",
        action="append",
        default=[],
        metavar="STAGE=N",
        help=f"processes of a stage ({STAGES}) where nothing runs yet; may be given for each",
    )
