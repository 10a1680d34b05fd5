"""Says what the command line may hold, and teaches it in --help."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from offline import verbs
from offline.grammar_backup import add_backup
from offline.grammar_bench import add_bench
from offline.grammar_evaluate import add_evaluate
from offline.grammar_fusion import add_tune_fusion
from offline.grammar_import import add_export, add_images, add_import
from offline.grammar_keys import add_keys
from offline.grammar_parts import Version, takes_json, takes_serving, verb_of
from offline.grammar_releases import add_releases
from offline.grammar_train import add_train
from offline.verbs import DEMO_DATA

if TYPE_CHECKING:
    from offline.grammar_parts import Commands

_DESCRIPTION = """\
Finds clothes by words, photos and both, in the order that fits the shopper.

start here:
  hemline demo                        a running shop with a drawn catalogue
  hemline search "red summer dress"   asks it

your own catalogue, in this order:
  hemline import kaggle-fashion FOLDER
  hemline train clip                  learns how your products look
  hemline train als                   learns who likes what, where that is known
  hemline build                       makes the indexes and releases them
  hemline up                          serves
"""


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="hemline",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        _demo,
        add_import,
        add_images,
        add_export,
        add_releases,
        add_train,
        add_tune_fusion,
        _up,
        _down,
        _status,
        _search,
        add_evaluate,
        add_bench,
        add_keys,
        add_backup,
    ):
        add(commands)
    return top


def _demo(commands: "Commands") -> None:
    verb = verb_of(
        commands,
        "demo",
        verbs.demo,
        says="Makes a shop out of nothing and serves it. Draws a catalogue with shoppers, trains "
        "a small CLIP and\nthe shoppers' tastes, builds, and serves until Ctrl-C. What is there "
        "already is not made again.",
        examples=("hemline demo", "hemline demo --products 600 --port 9000 --detach"),
        data=DEMO_DATA,
    )
    verb.add_argument(
        "--products", type=int, default=3000, metavar="N", help="products to draw (default: 3000)"
    )
    takes_serving(verb)


def _up(commands: "Commands") -> None:
    verb = verb_of(
        commands,
        "up",
        verbs.up,
        says="Serves the release in force until Ctrl-C. Starts Redis and the four stages as "
        "processes;\none that dies is started again. Ctrl-C stops them all, and nothing else.",
        examples=(
            "hemline up",
            "hemline up --data var/shop --port 9000 --replicas image=2 --replicas gateway=2",
            "hemline up --detach && hemline status && hemline down",
        ),
    )
    takes_serving(verb)


def _down(commands: "Commands") -> None:
    verb_of(
        commands,
        "down",
        verbs.down,
        says="Stops what `up` or `demo` started on the data folder, and nothing else.",
        examples=("hemline down", "hemline down --data var/shop"),
        data=None,
    )


def _status(commands: "Commands") -> None:
    verb = verb_of(
        commands,
        "status",
        verbs.status,
        says="Shows what runs on the data folder. Exit code 0 when all of it is ready and refuses "
        "no release,\nelse 1; a remark says why.",
        examples=("hemline status", "hemline status --json"),
        data=None,
    )
    takes_json(verb)


def _search(commands: "Commands") -> None:
    verb = verb_of(
        commands,
        "search",
        verbs.search,
        says="Asks the running gateway and prints what it found. Words, a photo, or both.",
        examples=(
            'hemline search "red summer dress"',
            "hemline search --image photo.jpg",
            'hemline search "but in blue" --image photo.jpg --user u-0007 --why',
            'hemline search "navy linen dress under 80" --exclude sleeves',
            'hemline search "striped tee" --json | head',
        ),
        data=None,
    )
    verb.add_argument("text", nargs="?", default="", metavar="TEXT", help="words")
    verb.add_argument("--image", type=Path, metavar="FILE", help="a JPEG, PNG or WebP photo")
    verb.add_argument("--user", metavar="ID", help="known shopper, such as u-0007")
    verb.add_argument("--count", type=int, default=12, metavar="N", help="hits (default: 12)")
    verb.add_argument(
        "--exclude", action="append", default=[], metavar="TEXT", help="what no hit may be; repeat"
    )
    verb.add_argument(
        "--literal", action="store_true", help="take the words as they stand, understand nothing"
    )
    verb.add_argument("--why", action="store_true", help="show the terms of each score")
    verb.add_argument("--url", default="", help="gateway to ask (default: the running one)")
    takes_json(verb)
