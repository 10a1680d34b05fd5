"""Measures how well German queries find what English texts describe."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import SetupError

PAIRS_FILE = "queries.tsv"


@dataclass(frozen=True, slots=True)
class Pair:
    """One photo described by two people: in English, and in German."""

    row: int
    english: str
    german: str


def is_held_out(row: int) -> bool:
    """Tells whether nobody may look at a row while the German dictionary is written.

    Half of the rows are held out: those whose number, counted from 0 and written in decimal, has
    an even SHA-256. They are scored and never shown; words for the dictionary come from the others.
    """
    return hashlib.sha256(str(row).encode()).digest()[-1] % 2 == 0


def read_pairs(dataset: Path, *, held_out: bool) -> Iterator[Pair]:
    """Yields the held-out rows of Fashion12K, or the others, in their order.

    Args:
        dataset: Folder of ``queries.tsv``: a header, then image, English and German text, without
            quoting.
        held_out: Which half.

    Raises:
        SetupError: There is no such file.
    """
    path = dataset / PAIRS_FILE
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            next(rows, None)
            for number, row in enumerate(rows):
                if len(row) >= 3 and is_held_out(number) == held_out:
                    yield Pair(number, row[1], row[2])
    except OSError as error:
        raise SetupError(f"no German pairs: {path} cannot be read") from error
