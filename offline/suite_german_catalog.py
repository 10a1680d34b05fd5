"""Measures how well a German catalogue is found, however its words are bent, joined and spelt."""

import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from catalog.lexicon import Lexicon
from catalog.words import WordTable
from offline import relevance
from offline.known_texts import DEPTH, KnownTexts, known_texts, products_of
from offline.progress import progress
from offline.suite_report import Row, SuiteReport
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary

WRITTEN, BENT, APART, JOINED, SPELT = (
    "as written",
    "declined otherwise",
    "compounds apart",
    "compounds joined",
    "umlauts as ae, oe, ue",
)
WITHOUT, ANALYSED, READ = "words alone", "German analysis", "German analysis, understood"
GERMAN = 'language = "de"\n'
RECALL_DEPTH = 10

_WORD = re.compile(r"[^\W\d_]+")
_ADJECTIVE = re.compile(r"\b([a-zäöüß]{3,}?)(e|er|es|en|em)\b")
_ENDINGS = ("e", "es", "er", "en", "em")
_SPELLINGS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue"))
_LINKS = ("", "s", "n", "en")
_SHORTEST_PART = 4

Vary = Callable[[str, Collection[str]], str]


def german_catalog(texts: Mapping[str, str]) -> SuiteReport:
    """Looks for each text by a wording of its own that is changed by rule.

    The rules know no dictionary: adjectives, which are written small, take another ending; a
    noun is taken apart where both parts are words of the texts, and hyphens join or go. Only the
    texts that a rule changes are looked for.

    Args:
        texts: German texts, by id.
    """
    plain = WordTable.default()
    table = plain.with_shop(GERMAN)
    lexicon = Lexicon.default()
    understanding = Understanding(
        Vocabulary.gather(products_of(texts), table=table, lexicon=lexicon)
    )
    words = {word.lower() for text in texts.values() for word in _WORD.findall(text)}
    rows: list[Row] = []
    with (
        known_texts(texts, plain) as without,
        known_texts(texts, table) as analysed,
        progress("Searching", len(VARIANTS) * len(texts)) as shown,
    ):
        for name, vary in VARIANTS.items():
            asked: dict[str, str] = {}
            for key, text in texts.items():
                asked[key] = vary(text, words)
                shown.advance()
            if name != WRITTEN:
                asked = {key: text for key, text in asked.items() if text != texts[key]}
            rows += _rows(name, asked, {WITHOUT: without, ANALYSED: analysed})
            found = [
                analysed.rank(key, "", understanding.read(text)).own for key, text in asked.items()
            ]
            rows.append(_row(READ, name, found))
    notes = (
        "Queries are the German texts, changed by rule; only those that a rule changes count. "
        f"Relevant is the own text alone, ties stand against it, beyond {DEPTH} hits nothing "
        f"counts as found; figures are Recall@{RECALL_DEPTH}.",
        "; ".join(
            f"{row.figure}: {row.estimate.count} queries" for row in rows if row.system == WITHOUT
        ),
    )
    return SuiteReport("german-catalog", "German queries, German catalogue", tuple(rows), notes)


def _rows(name: str, asked: Mapping[str, str], systems: Mapping[str, KnownTexts]) -> list[Row]:
    return [
        _row(system, name, [known.rank(key, text).own for key, text in asked.items()])
        for system, known in systems.items()
    ]


def _row(system: str, figure: str, ranks: list[float]) -> Row:
    hits = [float(rank <= RECALL_DEPTH) for rank in ranks]
    return Row(system, figure, relevance.estimate(hits))


def as_written(text: str, words: Collection[str]) -> str:
    """Returns the text as it is."""
    return text


def declined(text: str, words: Collection[str]) -> str:
    """Returns the text with the next ending on each adjective: "schwarzes" for "schwarze"."""
    return _ADJECTIVE.sub(lambda found: found[1] + _next(found[2]), text)


def _next(ending: str) -> str:
    return _ENDINGS[(_ENDINGS.index(ending) + 1) % len(_ENDINGS)]


def apart(text: str, words: Collection[str]) -> str:
    """Returns the text with its compounds in two words, the head first, as in "Kleid Baumwolle"."""
    return _WORD.sub(lambda found: _apart(found[0], words), text)


def _apart(word: str, words: Collection[str]) -> str:
    lower = word.lower()
    for place in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
        head, rest = lower[place:], lower[:place]
        for link in _LINKS:
            modifier = rest.removesuffix(link) if link else rest
            if len(modifier) >= _SHORTEST_PART and head in words and modifier in words:
                return f"{head} {modifier}"
    return word


def joined(text: str, words: Collection[str]) -> str:
    """Returns the text with its hyphens gone: "Baumwolltop" for "Baumwoll-Top"."""
    return re.sub(
        r"\b([^\W\d_]{3,})-([^\W\d_]{3,})\b", lambda found: found[1] + found[2].lower(), text
    )


def spelt(text: str, words: Collection[str]) -> str:
    """Returns the text as a keyboard without umlauts writes it."""
    for letter, letters in _SPELLINGS:
        text = text.replace(letter, letters)
    return text.replace("ß", "ss")


VARIANTS: Mapping[str, Vary] = MappingProxyType(
    {WRITTEN: as_written, BENT: declined, APART: apart, JOINED: joined, SPELT: spelt}
)
