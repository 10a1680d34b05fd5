"""Reads a test collection, and asks the text index about its documents."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.product import Product
from offline.fusion_runs import Labelled
from offline.fusion_trials import ndcg_of
from offline.labelled_queries import read_labelled
from offline.progress import progress
from offline.relevance import estimate
from offline.suite_report import Row, SuiteReport
from runtime.errors import SetupError
from services.gateway.stages import Ranking
from services.text_retriever.index import TextIndex

CORPUS_FILE = "corpus.jsonl"
NDCG, RECALL = "nDCG@10", "R@100"
_DEEP = 100


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents as products in ascending order of id, and queries with their judgements."""

    name: str
    products: tuple[Product, ...]
    queries: tuple[Labelled, ...]


def read_collection(folder: Path) -> Collection:
    """Reads a folder in the layout of BEIR, with judgements as TREC or BEIR write them.

    ``corpus.jsonl`` holds a document a line: ``_id``, ``text`` and, if there is one, ``title``,
    which is not read twice where the text begins with it. A document without words is one that
    nothing finds. Queries and judgements are read as
    :func:`~offline.labelled_queries.read_labelled` does.

    Raises:
        SetupError: There is no such folder, or a line is not as it should be.
    """
    path = folder / CORPUS_FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} is no UTF-8") from error
    products = sorted(_products(lines, path), key=lambda product: product.id)
    if len({product.id for product in products}) != len(products):
        raise SetupError(f"{path} holds a document twice")
    return Collection(folder.name, tuple(products), tuple(read_labelled(folder)))


def write_index(collection: Collection, folder: Path) -> TextIndex:
    """Writes the text index of a collection into an empty folder and opens it."""
    with progress("Indexing words", len(collection.products)) as shown:
        TextIndex.write(collection.products, folder)
        shown.advance(len(collection.products))
    return TextIndex.open(folder)


def found_by_words(index: TextIndex, text: str, count: int) -> Ranking:
    """Returns what the text stage would answer."""
    ids, scores = index.search(index.normalizer.tokens(text), count)
    return Ranking(ids, scores.tolist())


def words_alone(folder: Path) -> SuiteReport:
    """Measures the text stage alone, BM25, on a test collection.

    Raises:
        SetupError: The collection cannot be read.
    """
    collection = read_collection(folder)
    gained, recalled = [], []
    with tempfile.TemporaryDirectory() as scratch:
        index = write_index(collection, Path(scratch))
        for query in collection.queries:
            found = found_by_words(index, query.text, _DEEP)
            scores = dict(zip(found.ids, found.scores, strict=True))
            gained.append(ndcg_of(scores, query.gains))
            recalled.append(len(query.gains.keys() & scores.keys()) / len(query.gains))
    return SuiteReport(
        f"words-{collection.name}",
        f"The text stage alone on {collection.name}: {len(collection.products)} documents",
        (
            Row("words", NDCG, estimate(gained)),
            Row("words", RECALL, estimate(recalled)),
        ),
        ("BM25 over title and text with the words of the package: no stemmer of English.",),
    )


def _products(lines: list[str], path: Path) -> Iterator[Product]:
    for number, line in enumerate(lines, 1):
        try:
            body = json.loads(line)
            name, title, text = str(body["_id"]), str(body.get("title", "")), str(body["text"])
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise SetupError(f"{path}, line {number}: no document with _id and text") from error
        yield Product(id=name, style_id=name, title=title, description=text.removeprefix(title))
