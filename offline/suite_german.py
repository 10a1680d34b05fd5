"""Measures how well German queries find what English texts describe."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.lexicon import Lexicon
from catalog.words import WordTable
from offline import relevance
from offline.known_texts import DEPTH, Rank, known_texts, products_of
from offline.layout import DataDir
from offline.progress import progress
from offline.suite_german_catalog import german_catalog
from offline.suite_report import Row, SuiteReport
from runtime.errors import SetupError
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary

PAIRS_FILE = "queries.tsv"
DATASET = "fashion12k_de_en"
RECALL_DEPTH = 10
WRITTEN, READ, ENGLISH = "German as written", "German, understood", "English, understood"
RECALL, MRR = f"Recall@{RECALL_DEPTH}", "MRR"
EQUAL = f"Recall@{RECALL_DEPTH}, equal texts right"


@dataclass(frozen=True, slots=True)
class Pair:
    """One photo described by two people: in English, and in German."""

    row: int
    english: str
    german: str

    @property
    def name(self) -> str:
        """The row as the id of a product."""
        return f"{self.row:06d}"


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


def german(data: DataDir | None, dataset: Path | None) -> list[SuiteReport]:
    """Measures German queries on an English catalogue, and on a German one.

    Args:
        data: Not needed.
        dataset: Folder of Fashion12K, German and English.

    Raises:
        SetupError: There is no such folder.
    """
    if dataset is None:
        raise SetupError(f"no German pairs: name the folder of {DATASET} with --dataset")
    pairs = list(read_pairs(dataset, held_out=True))
    catalog = {pair.name: pair.german for pair in pairs}
    return [german_queries(pairs), german_catalog(catalog)]


def german_queries(pairs: Sequence[Pair]) -> SuiteReport:
    """Looks for each English text by its German twin, through the gateway's reading of queries."""
    texts = {pair.name: pair.english for pair in pairs}
    table = WordTable.default()
    vocabulary = Vocabulary.gather(products_of(texts), table=table, lexicon=Lexicon.default())
    understanding = Understanding(vocabulary)
    ranks: dict[str, list[Rank]] = {WRITTEN: [], READ: [], ENGLISH: []}
    with known_texts(texts, table) as known, progress("Searching", len(pairs)) as shown:
        for pair in pairs:
            ranks[WRITTEN].append(known.rank(pair.name, pair.german))
            read = {READ: pair.german, ENGLISH: pair.english}
            for system, text in read.items():
                ranks[system].append(known.rank(pair.name, "", understanding.read(text)))
            shown.advance()
    rows = [row for system, found in ranks.items() for row in rank_rows(system, found)]
    notes = (
        "Documents are the English texts of the rows, queries their German twins; relevant is the "
        f"own twin alone, ties stand against it, and beyond {DEPTH} hits nothing counts as found.",
        f"{len(texts) - len(set(texts.values()))} of the texts are written like another one.",
    )
    return SuiteReport("german", "German queries, English catalogue", tuple(rows), notes)


def rank_rows(system: str, ranks: Sequence[Rank]) -> Iterator[Row]:
    """Yields the figures of one system."""
    for figure, found in ((RECALL, [r.own for r in ranks]), (EQUAL, [r.equal for r in ranks])):
        hits = [float(rank <= RECALL_DEPTH) for rank in found]
        yield Row(system, figure, relevance.estimate(hits))
    yield Row(system, MRR, relevance.estimate([1.0 / rank.own for rank in ranks]))
