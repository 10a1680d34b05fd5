"""Keeps the words of a catalogue by which queries are understood, as an artifact of a release."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as member
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import orjson

from catalog.lexicon import Lexicon
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.product_filter import ATTRIBUTES, values_of
from catalog.searched import searched_texts
from catalog.words import WordTable
from runtime.artifacts import ArtifactRefused

KIND = "vocabulary"
FORMAT = 1

_FACTS = "vocabulary.json"
_TABLE = "words.toml"
_LANGUAGES = "languages"
_TOML = ".toml"

SAID = ("kind", "colour")
"""Fields that every garment has a value of: one without was labelled by nobody."""
_FIELDS = ("colour", "kind", "gender", "season", "category", "brand")
_TEXTS_KEPT = 10_000
# An attribute of more values than these tells products apart rather than saying what they are.
_MOST_VALUES = 2_000
_MOST_BRANDS = 200_000
_MOST_TOKENS = 500_000
_MOST_VALUE_CHARS = 64


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the products of a catalogue are called.

    Attributes:
        products: How many there are.
        currency: ISO code of their prices; empty where none has a price.
        dearest: The highest price, in minor units; 0 where none has one.
        values: How many products hold each value, by field; attributes are ``attributes.NAME``.
            Sizes count in or out of stock.
        frequencies: How many products hold each token of the normaliser.
        table: The words of the normaliser.
        lexicon: The dictionaries.
        prices: The prices below which a quarter, half and three quarters of the products are, in
            minor units; none where none has one, or an older build wrote the artifact.
        said: The share of the products that say, in a column or in words, of what kind and of what
            colour they are, by field; a field that is not there was not looked at.
    """

    products: int
    currency: str
    dearest: int
    values: Mapping[str, Mapping[str, int]]
    frequencies: Mapping[str, int]
    table: WordTable
    lexicon: Lexicon
    prices: tuple[int, ...] = ()
    said: Mapping[str, float] = member(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def gather(
        cls, products: Iterable[Product], *, table: WordTable, lexicon: Lexicon
    ) -> "Vocabulary":
        """Reads the words of products, given in any order."""
        words_of = lru_cache(_TEXTS_KEPT)(lambda text: frozenset(normalizer.document_tokens(text)))
        normalizer = Normalizer(table)
        count, currency, dearest = 0, "", 0
        values: dict[str, Counter[str]] = {}
        frequencies: Counter[str] = Counter()
        prices: Counter[int] = Counter()
        forms, said = _forms(lexicon, normalizer), Counter[str]()
        for product in products:
            count += 1
            if product.price_minor is not None:
                prices[product.price_minor] += 1
            currency = currency or product.currency
            dearest = max(dearest, product.price_minor or 0)
            for field in (*_FIELDS, *(ATTRIBUTES + name for name in product.attributes)):
                values.setdefault(field, Counter()).update(values_of(product, field))
            values.setdefault("size", Counter()).update({size.size for size in product.sizes})
            texts = (text for found in searched_texts(product).values() for text in found if text)
            tokens = frozenset[str]().union(*map(words_of, texts))
            frequencies.update(tokens)
            said.update(name for name in SAID if values_of(product, name) or tokens & forms[name])
        telling, most, parting = _telling(values), _most(frequencies), _quartiles(prices)
        shares = {name: said[name] / max(count, 1) for name in SAID}
        return cls(count, currency, dearest, telling, most, table, lexicon, parting, shares)

    @staticmethod
    def write(
        products: Iterable[Product], folder: Path, *, table: WordTable, lexicon: Lexicon
    ) -> dict[str, object]:
        """Writes the vocabulary of products, and the tables that it is read by; returns facts."""
        found = Vocabulary.gather(products, table=table, lexicon=lexicon)
        facts = {
            "products": found.products,
            "currency": found.currency,
            "dearest": found.dearest,
            "values": found.values,
            "frequencies": found.frequencies,
            "prices": found.prices,
            "said": found.said,
        }
        (folder / _FACTS).write_bytes(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS))
        (folder / _TABLE).write_text(table.source, encoding="utf-8")
        (folder / _LANGUAGES).mkdir()
        for language, source in lexicon.sources.items():
            path = folder / _LANGUAGES / f"{language}{_TOML}"
            path.write_text(source, encoding="utf-8")
        return {
            "products": found.products,
            "currency": found.currency,
            "words": len(found.frequencies),
            "values": {field: len(held) for field, held in found.values.items()},
            "languages": list(lexicon.languages),
            "said": {name: round(share, 4) for name, share in found.said.items()},
        }

    @classmethod
    def open(cls, folder: Path) -> "Vocabulary":
        """Opens what :meth:`write` wrote.

        Raises:
            ArtifactRefused: A file is not as it was written, or of another program.
        """
        try:
            return cls._read(folder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactRefused(
                "vocabulary_garbage",
                f"{folder} holds no vocabulary of this program: run `hemline build`",
            ) from error

    @classmethod
    def _read(cls, folder: Path) -> "Vocabulary":
        facts = orjson.loads((folder / _FACTS).read_bytes())
        sources = {
            path.name.removesuffix(_TOML): path.read_text(encoding="utf-8")
            for path in sorted((folder / _LANGUAGES).glob(f"*{_TOML}"))
        }
        return cls(
            facts["products"],
            facts["currency"],
            facts["dearest"],
            facts["values"],
            facts["frequencies"],
            WordTable.parse((folder / _TABLE).read_text(encoding="utf-8")),
            Lexicon.parse(sources),
            tuple(facts.get("prices", ())),
            dict(facts.get("said", {})),
        )


def _forms(lexicon: Lexicon, normalizer: Normalizer) -> dict[str, frozenset[str]]:
    """Returns the tokens that say of what kind, or of what colour, a product is."""
    found: dict[str, set[str]] = {name: set() for name in SAID}
    for concept in lexicon.concepts:
        if concept.field in found:
            cut = (normalizer.document_tokens(form) for form in concept.written)
            found[concept.field] |= {tokens[0] for tokens in cut if len(tokens) == 1}
    return {name: frozenset(tokens) for name, tokens in found.items()}


def _telling(values: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    """Leaves away attributes that name single products, and values that are whole sentences."""
    found = {}
    for field, held in values.items():
        kept = {value: n for value, n in held.items() if len(value) <= _MOST_VALUE_CHARS}
        most = _MOST_BRANDS if field == "brand" else _MOST_VALUES
        if kept and len(kept) <= most:
            found[field] = kept
    return found


def _quartiles(prices: Counter[int]) -> tuple[int, ...]:
    """The least prices that a quarter, half and three quarters of the products do not exceed."""
    total, seen = prices.total(), 0
    shares = [total * quarter / 4 for quarter in (1, 2, 3)]
    found: list[int] = []
    for price, held in sorted(prices.items()):
        seen += held
        while len(found) < len(shares) and seen >= shares[len(found)]:
            found.append(price)
    return tuple(found)


def _most(frequencies: Counter[str]) -> dict[str, int]:
    return dict(frequencies.most_common(_MOST_TOKENS))
