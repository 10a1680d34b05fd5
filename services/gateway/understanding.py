"""Reads what the words of a query ask for, and what they do not want."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from catalog.normalize import Normalizer, clean
from catalog.product_filter import AllOf, ProductFilter
from services.gateway.answer import Understood
from services.gateway.composing import WORDS, Composer
from services.gateway.exclusions import Exclusion, Exclusions
from services.gateway.homographs import Homographs
from services.gateway.known import Ignored, Known
from services.gateway.mentions import Mend, Mentions
from services.gateway.phrases import Found, Phrases
from services.gateway.sayings import Sayings
from services.gateway.scanning import MAX_CHARS, quoted, words_of
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


class Understanding:
    """Reads queries by the words of one catalogue; safe to use from many threads.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._kinds = tuple(vocabulary.values.get(KIND, ()))
        self._forms = vocabulary.table.forms
        self._phrases = Phrases(vocabulary)
        self._sayings = Sayings(vocabulary, self._phrases)
        self._filters = SpokenFilters(vocabulary, self._phrases.brands)
        words, foreign = self._phrases.words, self._phrases.foreign_words
        frequencies, garments = vocabulary.frequencies, self._phrases.garments
        spelling = Spelling(frequencies, words, foreign, garments, vocabulary.products)
        homographs = Homographs(vocabulary, self._phrases.key)
        self._mentions = Mentions(self._phrases, spelling, homographs)
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

    def read(
        self, text: str, *, exclude: Sequence[str] = (), ignore: Collection[str] = ()
    ) -> Reading:
        """Returns what a text asks for; any text can be read.

        Args:
            text: The words of a query; the first 512 characters count.
            exclude: Texts of what is not wanted, each read as one thing.
            ignore: What is not to be understood, as ``field`` or ``field:value``; ``spelling``
                mends nothing.
        """
        text = clean(text[:MAX_CHARS])
        ignored = Ignored.of(ignore)
        words = words_of(text, self._forms)
        taken = {place for start, end in quoted(words) for place in range(start - 1, end + 1)}
        composer = Composer(self._known, text, words, ignored)
        self._filters.take(words, taken, composer)
        mends: list[Mend] = []
        if not ignored.has("spelling"):
            refused = frozenset(name.partition(":")[2] for name in ignored.names)
            composer.words, mends = self._mentions.mend(words, taken, refused)
        self._compose(taken, composer)
        for wording in exclude:
            self._exclude(wording, ignored, composer)
        return self._reading(text, composer, mends)

    def _compose(self, taken: set[int], composer: Composer) -> None:
        found = self._mentions.find(composer.words, taken)
        read = Exclusions(found)
        dropped = read.dropped
        for place, piece in enumerate(found):
            if place not in dropped:
                composer.want(piece)
        for exclusion in read.exclusions:
            if not composer.exclude(exclusion):
                dropped = dropped - set(range(exclusion.start, exclusion.end))
        for place, piece in enumerate(found):
            if place not in dropped:
                composer.add(piece)

    def _exclude(self, text: str, ignored: Ignored, composer: Composer) -> None:
        """Reads what a caller excludes: all that one text says at once."""
        text = clean(text[:MAX_CHARS])
        words = words_of(text, self._forms)
        own = Composer(self._known, text, words, ignored)
        found = [piece for piece in self._mentions.find(words, ()) if piece.written]
        for exclusion in _whole(found):
            own.exclude(exclusion)
        draft, mine = composer.draft, own.draft
        draft.filters += mine.filters
        draft.excluded += mine.excluded
        draft.negative += mine.negative
        draft.understood += mine.understood

    def _reading(self, text: str, composer: Composer, mends: Sequence[Mend]) -> Reading:
        draft = composer.draft
        filters = tuple(dict.fromkeys(draft.filters))[:_MOST_FILTERS]
        # A product that came since the words were gathered may be called just what was written.
        new = [] if not draft.lookups else [mend.written for mend in mends if mend.is_used]
        words = _joined([*draft.lookups, *new, *draft.taken_apart])
        is_read = bool(filters or draft.excluded or draft.negative)
        if not words and not is_read:
            words = text
        wanted = set(words.casefold().split())
        excluded = [word for word in dict.fromkeys(draft.excluded) if word not in wanted]
        spelt = [
            Understood(WORDS, mend.meant, mend.written, "spell") for mend in mends if mend.is_used
        ]
        return Reading(
            words,
            _joined(draft.readable) or words,
            draft.lifting(),
            None if not filters else filters[0] if len(filters) == 1 else AllOf(filters),
            _joined(excluded),
            _joined(draft.negative),
            (*spelt, *draft.understood),
            _mended(text, mends),
        )


def _whole(found: Sequence[Found]) -> list[Exclusion]:
    mentions = tuple(piece for piece in found if piece.is_mention)
    if mentions:
        return [Exclusion(mentions, "", 0, len(found))]
    return [Exclusion((), piece.written, 0, 1) for piece in found if piece.phrase is None]


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
