"""Says what `hemline import`, `images` and `export` may be told."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from offline import verbs_import as verbs
from offline.grammar_parts import verb_of

if TYPE_CHECKING:
    from offline.grammar_parts import Commands

FORMATS = {
    "kaggle-fashion": "folder with styles.csv and images/, or data.csv and data/",
    "hm": "folder with articles.csv, transactions_train.csv, images/0xx/",
    "amazon-2023": "folder, or file, of meta_*.jsonl and reviews *.jsonl, also .gz",
    "amazon-2014": "folder, or file, of meta_*.json and reviews_*.json, also .gz",
    "deepfashion": "folder with photos named by person, category and style",
    "dvbpr": "a .npy of DVBPR: pickled, and read without running it",
    "table": "a .csv, .tsv, .jsonl or .parquet file of any shop",
}
_SAYS = """\
Reads a catalogue into the data folder. Bad rows are counted, explained and kept
aside; the good ones go in. A second run changes nothing; one that was ended goes on where it was.

formats:
"""


def add_import(commands: "Commands") -> None:
    """Adds ``import``."""
    shown = "\n".join(f"  {name:<15} {holds}" for name, holds in FORMATS.items())
    verb = verb_of(
        commands,
        "import",
        verbs.import_catalog,
        says=_SAYS + shown,
        examples=(
            "hemline import kaggle-fashion ~/fashion-product-images --data var/shop",
            "hemline import table feed.csv --map title=Name --map price=Preis --currency EUR",
            "hemline import amazon-2023 ~/amazon --k-core 5,2 --tail-k 1",
            "hemline import table feed.csv --rows var/data/rejects/table-feed.csv",
        ),
    )
    verb.add_argument("format", choices=list(FORMATS), metavar="FORMAT", help="one of the above")
    verb.add_argument("path", type=Path, metavar="PATH", help="the file, or the folder")
    verb.add_argument(
        "--rows",
        type=Path,
        metavar="REJECTS",
        help="import the rows of this rejects file, as mended, and nothing else",
    )
    _takes_events(verb)
    _takes_table(verb)
    photos = verb.add_argument_group("for deepfashion")
    photos.add_argument(
        "--masked",
        choices=["white", "black"],
        default="",
        help="paint over what a photo's mask (NAME_segm.png) calls background",
    )


def _takes_events(verb: argparse.ArgumentParser) -> None:
    events = verb.add_argument_group("for hm, amazon-2023, amazon-2014, dvbpr")
    events.add_argument(
        "--k-core",
        default="",
        metavar="U,I",
        help="keep shoppers with U products and products with I shoppers at least",
    )
    events.add_argument(
        "--tail-k",
        type=int,
        default=0,
        metavar="N",
        help="hold the newest N events of each shopper out, in DATA/held_out",
    )
    events.add_argument(
        "--price-factor",
        default="",
        metavar="X",
        help="hm: take the newest price times X as the price of an article (needs --currency)",
    )


def _takes_table(verb: argparse.ArgumentParser) -> None:
    table = verb.add_argument_group("for table")
    table.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="column of a field; may be given for each, empty leaves a field out",
    )
    table.add_argument("--currency", default="", metavar="EUR", help="of prices that name none")
    table.add_argument("--yes", action="store_true", help="agree to what is guessed")
    table.add_argument(
        "--interactions", action="store_true", help="rows tell what shoppers did, not products"
    )


def add_images(commands: "Commands") -> None:
    """Adds ``images fetch``."""
    group = commands.add_parser(
        "images",
        help="fetches the photos that an import found on the web",
        description="Fetches the photos that an import found on the web.",
    )
    works = group.add_subparsers(title="works", metavar="WORK", required=True)
    verb = verb_of(
        works,
        "fetch",
        verbs.fetch_images,
        says="Fetches the photos that imports wrote down, and gives them to their products. From "
        "public addresses\nonly, 10 MiB at most each, and gently with each server. What has come "
        "is not fetched again.",
        examples=(
            "hemline images fetch --data var/shop",
            "hemline images fetch --data var/shop --threads 32 --per-server 8 --retry-failed",
        ),
    )
    verb.add_argument(
        "--threads", type=int, default=16, metavar="N", help="photos at a time (default: 16)"
    )
    verb.add_argument(
        "--per-server", type=int, default=4, metavar="N", help="of one server (default: 4)"
    )
    verb.add_argument(
        "--plain-http", action="store_true", help="fetch what is offered without encryption too"
    )
    verb.add_argument(
        "--retry-failed", action="store_true", help="ask again for what was not to be had"
    )


def add_export(commands: "Commands") -> None:
    """Adds ``export``."""
    verb = verb_of(
        commands,
        "export",
        verbs.export_catalog,
        says="Writes the catalogue into one file that imports again to the same catalogue. It "
        "appears whole\nor not at all.",
        examples=(
            "hemline export products.parquet --data var/shop",
            "hemline export products.jsonl.gz --data var/shop --photos",
            "hemline export events.jsonl --data var/shop --interactions",
        ),
    )
    verb.add_argument(
        "path", type=Path, metavar="PATH", help="ends in .parquet, .jsonl or .jsonl.gz"
    )
    verb.add_argument(
        "--interactions", action="store_true", help="what shoppers did instead of products"
    )
    verb.add_argument("--photos", action="store_true", help="photos too, into PATH.photos")
