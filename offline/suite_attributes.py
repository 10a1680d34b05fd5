"""Asks for one colour, kind or gender at a time, by words, by picture and by both."""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from catalog.lexicon import Lexicon
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.words import WordTable
from offline.evaluate_retrieval import Candidates, held_out_candidates, indexed
from offline.hidden_words import SCORED, scored_words, without_words
from offline.layout import DataDir
from offline.local_stages import KeptVectors
from offline.progress import Progress, progress
from offline.suite_report import Row, SuiteReport
from offline.system_figures import (
    DEPTH,
    SYSTEMS,
    AttributeQuery,
    SystemFigures,
    at_best,
    at_random,
    searched,
)
from runtime.errors import SetupError
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary

LEAST = 10
"""Products that a label must have to be asked for: fewer cannot fill ten places."""
_LABELS: Mapping[str, str] = MappingProxyType({name: name for name in SCORED})


def attributes(data: DataDir | None, dataset: Path | None) -> list[SuiteReport]:
    """Scores P@10 for every colour, kind and gender that ten held-out products have.

    Asked twice: of an index as a shop has it, and of one where the words of every label are gone
    from texts and columns alike, so that neither words nor boosts can find them.

    Raises:
        SetupError: There is no catalogue, no encoder, or no label that ten products have.
    """
    if data is None:
        raise SetupError("the suite needs a catalogue: name it with --data")
    return [_scored(held_out_candidates(data))]


def label_queries(products: Sequence[Product]) -> dict[str, list[AttributeQuery]]:
    """Returns a query for each value of each label that enough products have."""
    found: dict[str, defaultdict[str, set[str]]] = {name: defaultdict(set) for name in _LABELS}
    for product in products:
        for name in _LABELS:
            if value := getattr(product, name):
                found[name][value].add(product.id)
    return {
        name: [
            AttributeQuery(value, frozenset(ids))
            for value, ids in sorted(values.items())
            if len(ids) >= LEAST
        ]
        for name, values in found.items()
    }


def _scored(candidates: Candidates) -> SuiteReport:
    products = candidates.products
    queries = {name: asked for name, asked in label_queries(products).items() if asked}
    if not queries:
        raise SetupError(f"no colour, kind or gender has {LEAST} held-out products with photos")
    normalizer = Normalizer()
    hidden = without_words(products, scored_words(products, normalizer), normalizer)
    states = {"columns in use": products, "labels hidden": hidden}
    count = len(states) * len(SYSTEMS) * sum(map(len, queries.values()))
    rows: list[Row] = []
    with progress("Asking", count) as shown:
        vectors = KeptVectors()
        for state, shelf in states.items():
            for system, by_label in _asked(candidates, shelf, queries, vectors, shown).items():
                rows += [
                    Row(f"{state}: {system}", _figure(name), figures.precision)
                    for name, figures in by_label.items()
                ]
    for name, asked in queries.items():
        rows.append(Row("the best there is", _figure(name), at_best(asked).precision))
        rows.append(Row("at random", _figure(name), at_random(products, asked).precision))
    return SuiteReport(
        "attributes",
        f"One label a query, {len(products)} held-out products: P@{DEPTH}",
        tuple(rows),
        (_counts(queries),),
    )


def _asked(
    candidates: Candidates,
    products: Sequence[Product],
    queries: Mapping[str, Sequence[AttributeQuery]],
    vectors: KeptVectors,
    shown: Progress,
) -> dict[str, dict[str, SystemFigures]]:
    """Returns the figures of each system by label, over an index of the products as given."""
    vocabulary = Vocabulary.gather(products, table=WordTable.default(), lexicon=Lexicon.default())

    async def ask() -> dict[str, dict[str, SystemFigures]]:
        return {
            system: {
                name: await searched(pipeline, asked, system, shown)
                for name, asked in queries.items()
            }
            for system in SYSTEMS
        }

    with tempfile.TemporaryDirectory() as scratch:
        pipeline = indexed(candidates, products, Path(scratch), vectors, Understanding(vocabulary))
        return asyncio.run(ask())


def _figure(name: str) -> str:
    return f"{name} P@{DEPTH}"


def _counts(queries: Mapping[str, Sequence[AttributeQuery]]) -> str:
    told = ", ".join(f"{len(asked)} of {name}" for name, asked in queries.items())
    return (
        f"Queries: {told}; each is a value that {LEAST} held-out products or more have. The label "
        "itself says what is right, so that a wrong label counts against the answer."
    )
