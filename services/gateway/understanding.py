"""Reads what the words of a query ask for, and what they do not want."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from catalog.normalize import Normalizer, clean
from catalog.product_filter import ATTRIBUTES, AllOf, ProductFilter
from services.gateway.answer import Understood
from services.gateway.composing import Composer
from services.gateway.draft import Draft, Wording
from services.gateway.excluding import Excluder
from services.gateway.exclusions import Exclusion, Exclusions
from services.gateway.foreign_words import foreign_words
from services.gateway.governing import opened
from services.gateway.homographs import Homographs
from services.gateway.ignoring import Ignored
from services.gateway.known import Known
from services.gateway.marker_spelling import MarkerSpelling
from services.gateway.mentions import Mend, Mentions
from services.gateway.phrases import Phrases
from services.gateway.pieces import WORDS, Found
from services.gateway.sayings import Sayings
from services.gateway.scanning import MAX_CHARS, words_of
from services.gateway.spelling import Spelling
from services.gateway.spoken_filters import SpokenFilters
from services.gateway.stages import Boost
from services.gateway.vocabulary import Vocabulary

KIND = "kind"
_MOST_FILTERS = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """What the words of a query were read as.

    Attributes:
        words: For the text retriever: without prices, sizes, exclusions and fillers, translated
            and mended. Empty where nothing but filters is left.
        readable: The same for an encoder that reads English.
        own: The same in the language of the query, for an encoder that reads many.
        labelled: The share of the products that say what the words ask for: of what kind they are,
            of what colour. 1 where the words ask for neither.
        boosts: What lifts products.
        filter: What was exact; None where nothing was.
        excluded_words: Words that no product found may hold.
        negative: Words for a negative part of the picture side; empty where there is none.
        understood: What was done, in the order of the query.
        did_you_mean: The whole query as it was probably meant; empty where nothing is misspelt.
    """

    words: str
    readable: str
    boosts: tuple[Boost, ...] = ()
    filter: ProductFilter | None = None
    excluded_words: str = ""
    negative: str = ""
    understood: tuple[Understood, ...] = ()
    did_you_mean: str = ""
    own: str = ""
    labelled: float = 1.0


class Understanding:
    """Reads queries by the words of one catalogue; safe to use from many threads.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._kinds = tuple(vocabulary.values.get(KIND, ()))
        self._said = vocabulary.said
        homes = (home for home in vocabulary.values if home.startswith(ATTRIBUTES))
        self._attributes = frozenset(home.removeprefix(ATTRIBUTES).casefold() for home in homes)
        self._forms = vocabulary.table.forms
        phrases = Phrases(vocabulary)
        self._sayings = Sayings(vocabulary, phrases)
        self._filters = SpokenFilters(vocabulary, phrases)
        frequencies, garments = vocabulary.frequencies, phrases.garments
        ordinary = frozenset(vocabulary.lexicon.ordinary)
        foreign = foreign_words(vocabulary, phrases.by_key, phrases.key)
        spelling = Spelling(
            frequencies, phrases.words, foreign, garments, vocabulary.products, ordinary
        )
        homographs = Homographs(vocabulary, phrases.key)
        markers = MarkerSpelling(vocabulary.lexicon)
        self._mentions = Mentions(phrases, spelling, homographs, markers)
        coverages = {
            field: sum(counts.values()) / max(vocabulary.products, 1)
            for field, counts in vocabulary.values.items()
        }
        normalizer = Normalizer(vocabulary.table)
        self._known = Known(self._mentions, normalizer, frequencies, coverages)

    @property
    def sayings(self) -> Sayings:
        """Completes what is typed by what can be said of the catalogue."""
        return self._sayings

    def kinds_beside(self, kinds: Collection[str]) -> tuple[str, ...]:
        """Returns the kinds of the catalogue that are none of these."""
        return tuple(kind for kind in self._kinds if kind not in kinds)

    def ignored(self, names: Sequence[str]) -> Ignored:
        """Reads what is not to be understood: fields, values of them, and effects.

        Raises:
            InvalidArgument: A name is none of these; the error names its place.
        """
        return Ignored.of(names, self._attributes)

    def read(
        self, text: str, *, exclude: Sequence[str] = (), ignore: Sequence[str] = ()
    ) -> Reading:
        """Returns what a text asks for; any text can be read.

        Args:
            text: The words of a query; the first 512 characters count.
            exclude: Texts of what is not wanted, each read as one thing.
            ignore: What is not to be understood, as ``field``, ``field:value`` or an effect.

        Raises:
            InvalidArgument: What is to be ignored is nothing that is read.
        """
        ignored = self.ignored(ignore)
        draft = Draft()
        text = clean(text[:MAX_CHARS])
        mends = self._compose(text, ignored, draft)
        for wording in exclude:
            self._exclude(clean(wording[:MAX_CHARS]), ignored, draft)
        return self._reading(text, draft, mends)

    def _found(self, text: str, ignored: Ignored) -> tuple[Wording, list[Found], list[Mend]]:
        words = words_of(text, self._forms)
        exacts = self._filters.find(text, words, ignored)
        taken = {place for exact in exacts for place in range(exact.start, exact.end)}
        mends: list[Mend] = []
        if not (ignored.has_effect("spell") or ignored.has(WORDS)):
            words, mends = self._mentions.mend(words, taken, ignored.mended())
        return Wording(text, words), self._mentions.find(words, exacts), mends

    def _compose(self, text: str, ignored: Ignored, draft: Draft) -> list[Mend]:
        wording, pieces, mends = self._found(text, ignored)
        found = opened(pieces, lambda piece: self._mentions.within(wording.words, piece))
        read = Exclusions(found, self._known.holds)
        composer = Composer(self._known, wording, ignored, draft)
        excluder = Excluder(self._known, wording, ignored, draft)
        draft.understood += _unused(found)
        for place, piece in enumerate(found):
            if place not in read.dropped:
                excluder.want(piece)
                composer.filter(piece)
        refused: set[int] = set()
        for exclusion in read.exclusions:
            if not excluder.exclude(exclusion):
                refused.update(range(exclusion.start, exclusion.end))
        for place, piece in enumerate(found):
            if place in refused:
                composer.say(piece)
            elif place not in read.dropped and piece.exact is None:
                composer.add(piece)
        return mends

    def _exclude(self, text: str, ignored: Ignored, draft: Draft) -> None:
        """Reads what a caller excludes: all that one text says at once.

        It is left out in any case: by its words where it is not to be read.
        """
        wording, found, mends = self._found(text, ignored)
        excluder = Excluder(self._known, wording, ignored, draft)
        spelt = [told for told in _spelt(mends) if told not in draft.understood]
        unused = _unused(found)
        draft.understood += [*spelt, *unused]
        exclusions = _whole(found)
        for exclusion in exclusions:
            if not excluder.exclude(exclusion):
                for word in [piece.written for piece in exclusion.mentions] or [exclusion.word]:
                    excluder.exclude_word(word)
        if not (exclusions or unused):
            draft.say(Understood(WORDS, text, text, "unknown"))

    def _reading(self, text: str, draft: Draft, mends: Sequence[Mend]) -> Reading:
        filters = tuple(dict.fromkeys(draft.filters))[:_MOST_FILTERS]
        # A product that came since the words were gathered may be called just what was written.
        new = [] if not draft.lookups else [mend.written for mend in mends if mend.is_used]
        words = _joined([*draft.lookups, *new, *draft.taken_apart])
        is_read = bool(filters or draft.excluded or draft.negative)
        if not words and not is_read:
            words = text
        wanted = set(words.casefold().split())
        excluded = [word for word in dict.fromkeys(draft.excluded) if word not in wanted]
        return Reading(
            words,
            _joined(draft.readable) or words,
            draft.lifting(),
            None if not filters else filters[0] if len(filters) == 1 else AllOf(filters),
            _joined(excluded),
            _joined(draft.negative),
            (*_spelt(mends), *draft.understood),
            _mended(text, mends),
            _joined(draft.own) or words,
            min((self._said.get(name, 1.0) for name in draft.named), default=1.0),
        )


def _spelt(mends: Sequence[Mend]) -> list[Understood]:
    return [Understood(WORDS, mend.meant, mend.written, "spell") for mend in mends if mend.is_used]


def _unused(found: Sequence[Found]) -> list[Understood]:
    return [told for piece in found if piece.exact for told in piece.exact.unused]


def _whole(found: Sequence[Found]) -> list[Exclusion]:
    """Reads a text as one thing that is not wanted: what is mentioned, else each of its words."""
    said = [piece.unquoted for piece in found]
    mentions = tuple(piece for piece in said if piece.is_mention)
    if mentions:
        return [Exclusion(mentions, "", 0, len(found))]
    words = [p for p in said if p.is_unknown or (p.exact is not None and p.exact.field == WORDS)]
    return [Exclusion((), piece.written, 0, 1) for piece in words]


def _joined(words: Sequence[str]) -> str:
    text = " ".join(dict.fromkeys(word for word in words if word))
    if len(text) <= MAX_CHARS:
        return text
    return text[:MAX_CHARS].rpartition(" ")[0] or text[:MAX_CHARS]


def _mended(text: str, mends: Sequence[Mend]) -> str:
    """The query with all that was misspelt as it was meant; empty where nothing was."""
    if not mends:
        return ""
    parts, place = [], 0
    for mend in mends:
        parts += [text[place : mend.start], mend.meant]
        place = mend.end
    return "".join([*parts, text[place:]])
