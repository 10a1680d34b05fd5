"""Measures how well the names of a Korean shop are found, however their spaces are set."""

import asyncio
import csv
import hashlib
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from catalog.hangul import has_hangul, is_part
from catalog.lexicon import Lexicon
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.words import WordTable
from offline import relevance
from offline.local_text import LocalText
from offline.suite_report import Row, SuiteReport
from runtime.errors import SetupError
from services.gateway.understanding import Reading, Understanding
from services.gateway.vocabulary import Vocabulary
from services.text_retriever.index import TextIndex

PRODUCTS_FILE = "products.csv"
RECALL_DEPTH, DEPTH = 10, 100
WITHOUT, PARTS, UNDERSTOOD = "words alone", "words and their parts", "parts, understood"
WRITTEN, JOINED, SPLIT, PARTICLES = "as written", "joined", "split", "with particles"
_MOST_QUERIES = 1_500
_WORD = re.compile(r"[\uac00-\ud7a3]+|[A-Za-z0-9]+")
_BRACKETS = re.compile(r"\[[^\]]*\]|\([^)]*\)")
_PARTICLES = ("는", "를", "의")
_SHORTEST_SPLIT = 4
_WRITER_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class KnownItem:
    """What somebody writes who looks for one product, by how the spaces are set."""

    product_id: str
    texts: Mapping[str, str]


class _WithoutParts(Normalizer):
    """The normaliser of documents as if it knew nothing of Korean.

    Queries need none of their own: a part that no document holds changes nothing.
    """

    def document_tokens(self, text: str) -> list[str]:
        return [token for token in super().document_tokens(text) if not is_part(token)]


def is_held_out(product_id: str) -> bool:
    """Tells whether nobody may look at a product while the Korean dictionary is written.

    Half of them are: those whose id has an even SHA-256. They are scored and never shown.
    """
    return hashlib.sha256(product_id.encode()).digest()[-1] % 2 == 0


def korean_names(dataset: Path, *, held_out: bool = True) -> SuiteReport:
    """Looks for products by words of their names, and now and then their brand or colour.

    Args:
        dataset: Folder of ``products.csv`` with product_id, brand, name, price_krw, categories
            and colors.
        held_out: Which half is looked for; all are candidates.

    Raises:
        SetupError: There is no such file.
    """
    products = read_products(dataset)
    items = known_items(products, held_out=held_out)
    table, lexicon = WordTable.default(), Lexicon.default()
    understanding = Understanding(Vocabulary.gather(products, table=table, lexicon=lexicon))
    rows: list[Row] = []
    with _indexed(products, _WithoutParts()) as stage:
        rows += _rows(stage, items, WITHOUT, None)
    with _indexed(products, Normalizer()) as stage:
        rows += _rows(stage, items, PARTS, None)
        rows += _rows(stage, items, UNDERSTOOD, understanding)
    return SuiteReport(
        "korean_names",
        f"{len(items)} products looked for by parts of their names among {len(products)} of a "
        "Korean shop",
        tuple(rows),
        (
            "Joined: without spaces between Korean words; split: where both halves are words of "
            "other names; with particles: one behind each Korean word. Names that are the same "
            "in all ways count as written only.",
        ),
    )


def read_products(dataset: Path) -> list[Product]:
    """Reads the shop's products, in the order of their ids.

    Raises:
        SetupError: There is no such file.
    """
    path = dataset / PRODUCTS_FILE
    try:
        with path.open(encoding="utf-8", newline="") as file:
            products = [_product(row) for row in csv.DictReader(file)]
    except OSError as error:
        raise SetupError(f"no Korean shop: {path} cannot be read") from error
    return sorted(products, key=lambda product: product.id)


def known_items(products: Sequence[Product], *, held_out: bool, seed: int = 1) -> list[KnownItem]:
    """Makes a query in four spacings for products of one half whose names have Korean words."""
    words = {word for product in products for word in _WORD.findall(product.title)}
    found = []
    for product in products:
        if is_held_out(product.id) == held_out:
            draw = Random(f"{seed} {product.id}")
            if (item := _known_item(product, words, draw)) is not None:
                found.append(item)
    return sorted(Random(seed).sample(found, min(len(found), _MOST_QUERIES)), key=_id_of)


def _id_of(item: KnownItem) -> str:
    return item.product_id


def _product(row: Mapping[str, str]) -> Product:
    price = row["price_krw"]
    return Product(
        id=row["product_id"],
        style_id=row["product_id"],
        title=row["name"],
        brand=row["brand"],
        category=tuple(filter(None, row["categories"].split("|"))),
        colour=row["colors"].partition("|")[0].strip().lower(),
        price_minor=int(float(price)) if price else None,
        currency="KRW" if price else "",
    )


def _known_item(product: Product, words: Collection[str], draw: Random) -> KnownItem | None:
    named = _WORD.findall(_BRACKETS.sub(" ", product.title))
    if sum(map(has_hangul, named)) < 2:
        return None
    places = sorted(draw.sample(range(len(named)), min(len(named), draw.choice((2, 3, 4)))))
    said = [named[place] for place in places]
    before = [product.brand] if draw.random() < 0.4 else []
    if product.colour and draw.random() < 0.3:
        before.append(product.colour)
    ways = {
        WRITTEN: said,
        JOINED: _joined(said),
        SPLIT: [part for word in said for part in _split(word, words)],
        PARTICLES: [word + draw.choice(_PARTICLES) if has_hangul(word) else word for word in said],
    }
    return KnownItem(product.id, {name: " ".join([*before, *way]) for name, way in ways.items()})


def _joined(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        if found and has_hangul(word) and has_hangul(found[-1]):
            found[-1] += word
        else:
            found.append(word)
    return found


def _split(word: str, words: Collection[str]) -> list[str]:
    if not has_hangul(word) or len(word) < _SHORTEST_SPLIT:
        return [word]
    for place in range(1, len(word)):
        if word[:place] in words and word[place:] in words:
            return [word[:place], word[place:]]
    return [word]


@contextmanager
def _indexed(products: Sequence[Product], normalizer: Normalizer) -> Iterator[LocalText]:
    with tempfile.TemporaryDirectory() as scratch:
        TextIndex.write(products, Path(scratch), normalizer=normalizer, writer_bytes=_WRITER_BYTES)
        yield LocalText(TextIndex.open(Path(scratch)), {each.id: each for each in products})


def _rows(
    stage: LocalText, items: Sequence[KnownItem], name: str, understanding: Understanding | None
) -> list[Row]:
    rows = []
    for way in (WRITTEN, JOINED, SPLIT, PARTICLES):
        asked = [item for item in items if way == WRITTEN or item.texts[way] != item.texts[WRITTEN]]
        ranks = asyncio.run(
            _ranks(stage, [(i.product_id, i.texts[way]) for i in asked], understanding)
        )
        hits = [float(0 < rank <= RECALL_DEPTH) for rank in ranks]
        reciprocal = [1 / rank if rank else 0.0 for rank in ranks]
        rows.append(Row(f"{way}: {name}", f"R@{RECALL_DEPTH}", relevance.estimate(hits)))
        rows.append(Row(f"{way}: {name}", "MRR", relevance.estimate(reciprocal)))
    return rows


async def _ranks(
    stage: LocalText, asked: Sequence[tuple[str, str]], understanding: Understanding | None
) -> list[int]:
    """Returns the rank of each product for its text, from 1; 0 where it is not among the first."""
    ranks = []
    for product_id, text in asked:
        read = Reading(text, text) if understanding is None else understanding.read(text)
        found = await stage.retrieve(
            read.words,
            DEPTH,
            filter=read.filter,
            min_seq=0,
            timeout_s=1.0,
            boosts=read.boosts,
            excluded_text=read.excluded_words,
        )
        ranks.append(found.ids.index(product_id) + 1 if product_id in found.ids else 0)
    return ranks
