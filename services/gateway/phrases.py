"""Finds the longest phrases of a query that mean something in a catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from catalog.compounds import Compounds
from catalog.hangul import has_hangul, segments
from catalog.lexicon import Lexicon
from catalog.product_filter import ATTRIBUTES
from services.gateway.brand_names import brand_names
from services.gateway.doublets import doublets
from services.gateway.inner_markers import inner_markers
from services.gateway.meanings import Meaning, Meanings, Values
from services.gateway.pieces import Found, Phrase
from services.gateway.scanning import Word, keys_of
from services.gateway.single_words import garments_of, single_words
from services.gateway.translations import Translations
from services.gateway.vocabulary import Vocabulary

ROLES = (
    "exclude_before", "exclude_after", "exclude_or", "exclude_and", "exclude_end", "exclude_never",
    "exclude_quality", "exclude_thing", "exclude_telling", "exclude_rather", "exclude_than",
)  # fmt: skip
# What tells how a mention is used is none for itself.
_OF_MENTIONS = frozenset(("exclude_thing", "exclude_telling"))

# No garment has a longer name in one word, and to take one apart takes longer the longer it is.
_LONGEST_APART = 40
_LONGEST = 5
_CACHED = 50_000
_SHORTEST_VALUE = 3
_SAYS_NOTHING = frozenset(
    ("yes", "no", "true", "false", "none", "other", "others", "n/a", "na", "unknown", "various")
)


class Phrases:
    """The phrases of all languages, and those of a catalogue.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._forms = vocabulary.table.forms
        self._known: Mapping[str, int] = vocabulary.frequencies
        self._is_german = vocabulary.table.language == "de"
        self._phrases: dict[str, Phrase] = {}
        self.brands: Mapping[str, Meaning] = {}
        self.whole: dict[str, Values] = {}
        lexicon = vocabulary.lexicon
        meanings = Meanings(vocabulary)
        self._add_concepts(lexicon, meanings, Translations(vocabulary))
        self._add_values(vocabulary, meanings)
        self._add_words(lexicon)
        self._add_brands(vocabulary)
        self.words = single_words(vocabulary)
        self.garments = garments_of(vocabulary)
        self._markers = lexicon.markers("exclude_before")
        self._inner = inner_markers(vocabulary, self.key)
        german = [f for c in lexicon.concepts for f in c.forms.get("de", ())]
        self._german = Compounds(german)
        self._base = lru_cache(_CACHED)(lambda word: self.key(self._german.form(word)) or word)
        # Phrases of German words by the words in their plain forms.
        self._plain = {
            "".join(map(self.key, self._german.phrase(form))): self.key(form)
            for form in german
            if " " in form
        }

    def key(self, text: str) -> str:
        """Returns that by which a phrase is looked up: its words as meant, without spaces."""
        return "".join(keys_of(text, self._forms))

    def by_key(self, key: str) -> Phrase | None:
        """Returns the phrase of a key."""
        return self._phrases.get(key)

    def __contains__(self, key: str) -> bool:
        """Whether a phrase has this key."""
        return key in self._phrases

    def longest(self, words: Sequence[Word], place: int, end: int) -> Found | None:
        """Returns the longest phrase that begins at a word, of at most five words.

        Args:
            words: The pieces of the query.
            place: Where it begins; that piece is a word.
            end: Where it must end at the latest.
        """
        key, plain, count, best, last, has_marker = "", "", 0, None, place, False
        for at in range(place, end):
            word = words[at]
            if word.is_sign:
                if not word.is_bound:
                    break
                continue
            has_marker = has_marker or (count > 0 and word.key in self._markers)
            key, count, last = key + word.key, count + 1, at + 1
            plain += self._base(word.key)
            if count > _LONGEST:
                break
            phrase = self._phrases.get(key) or self._phrases.get(self._plain.get(plain, ""))
            if phrase is None or (has_marker and key not in self._inner and phrase.is_mention):
                continue
            # "Without sleeves" excludes, even where a dictionary has it as a form of sleeveless.
            if best is not None and best.is_marker("exclude_before") and phrase.is_mention:
                continue
            best = Found(place, last, _written(words, place, last), phrase)
        return best if best is None else self._as_written(best)

    def _as_written(self, found: Found) -> Found:
        """Of words that are looked up alike, takes what is said by the one that stands here.

        Lace is a material, and laces are those of shoes.
        """
        meanings = self._alike.get(found.written.replace(" ", ""))
        if meanings is None or found.phrase is None:
            return found
        return replace(found, phrase=replace(found.phrase, meanings=meanings))

    def apart(self, word: Word, place: int) -> list[Found]:
        """Takes a word apart that no phrase has: Korean without spaces, German compounds.

        Returns:
            Its pieces in order, or nothing where none of it is known.
        """
        if len(word.key) > _LONGEST_APART:
            return []
        if has_hangul(word.key):
            parts: Sequence[str] = segments(word.key, self._phrases)
        else:
            parts = [self.key(part) for part in self._german.parts(word.key)]
            # A word of the catalogue is only taken apart into words that are all known.
            if word.key in self._known and not all(part in self._phrases for part in parts):
                return []
        if not any(part in self._phrases for part in parts):
            return []
        # A German catalogue holds a compound as well as its parts.
        whole = word.text if self._is_german and not has_hangul(word.key) else ""
        return [
            Found(place, place + 1, word.text, self._phrases.get(part), whole or part)
            for part in parts
        ]

    def _add(self, key: str, more: Phrase) -> None:
        if not key or key.isdigit():
            return
        old = self._phrases.get(key, Phrase())
        meanings = dict.fromkeys((*old.meanings, *more.meanings))
        self._phrases[key] = Phrase(
            tuple(meanings),
            old.roles | more.roles,
            old.is_filler or more.is_filler,
            old.is_english or more.is_english,
            old.field or more.field,
            old.name or more.name,
            old.beside or more.beside,
        )

    def _add_concepts(
        self, lexicon: Lexicon, meanings: Meanings, translations: Translations
    ) -> None:
        english = {self.key(f) for c in lexicon.concepts for f in c.forms.get("en", ())}
        meant = {
            (concept.field, concept.name): meanings.of(concept) for concept in lexicon.concepts
        }
        self._alike = doublets(lexicon, meant, self.key)
        for concept in lexicon.concepts:
            meaning = meant[concept.field, concept.name]
            if "en" not in concept.forms:
                self._add(self.key(concept.name), Phrase((meaning,), is_english=True))
            own = concept.forms.get("en", ())
            for forms in concept.forms.values():
                for form in forms:
                    is_english = form in own
                    if not is_english and self.key(form) in english:
                        continue  # German "short" means shorts, the English one a length.
                    told = meaning if is_english else translations.of(concept, form, meaning)
                    self._add(self.key(form), Phrase((told,), is_english=is_english))
        for key, phrase in self._phrases.items():
            # Where the catalogue knows one reading of a phrase, the others are not meant.
            if known := tuple(m for m in phrase.meanings if m.is_value):
                self._phrases[key] = replace(phrase, meanings=known)
        self._add_beside(lexicon, {name: meaning for (_, name), meaning in meant.items()})
        for name, words in lexicon.field_words.items():
            for word in words:
                self._add(self.key(word), Phrase(field=name, name=words[0]))
                values = meanings.whole_field(name, lexicon)
                self.whole[name] = values

    def _add_beside(self, lexicon: Lexicon, meant: Mapping[str, Meaning]) -> None:
        """Adds what the name of a garment says beside that of another one."""
        for form, names in lexicon.beside.items():
            said = tuple(meant[name] for name in names if name in meant)
            self._add(self.key(form), Phrase(beside=said))

    def _add_values(self, vocabulary: Vocabulary, meanings: Meanings) -> None:
        """Adds the values that no dictionary knows: they are said as the catalogue says them."""
        for home, counts in vocabulary.values.items():
            if home in ("brand", "size"):
                continue
            name = home.removeprefix(ATTRIBUTES)
            for value in counts:
                key = self.key(value)
                is_telling = len(key) >= _SHORTEST_VALUE and value.lower() not in _SAYS_NOTHING
                if not is_telling or key in self._phrases or (home, value) in meanings.claimed:
                    continue
                held = ((home, (value,)),)
                meaning = Meaning(name, value, value, exact=held, excluded=held)
                self._add(key, Phrase((meaning,), is_english=True))

    def _add_words(self, lexicon: Lexicon) -> None:
        for role in ROLES:
            for word in lexicon.markers(role):
                key = self.key(word)
                if role not in _OF_MENTIONS or self._phrases.get(key, Phrase()).is_mention:
                    self._add(key, Phrase(roles=frozenset((role,))))
        for language in lexicon.languages:
            for word in map(self.key, lexicon.fillers(language)):
                # German says "man" where English says "one"; in English it is a man.
                known = self._phrases.get(word, Phrase())
                if language == "en" or not (known.is_mention and known.is_english):
                    self._add(word, Phrase(is_filler=True))

    def _add_brands(self, vocabulary: Vocabulary) -> None:
        self.brands = brand_names(vocabulary, self.key)
        for key, meaning in self.brands.items():
            # A name that is also a word is the name only where it stands in quotes.
            if len(key) >= _SHORTEST_VALUE and key not in self._phrases:
                self._add(key, Phrase((meaning,), is_english=True))


def _written(words: Sequence[Word], start: int, end: int) -> str:
    return " ".join(word.text for word in words[start:end] if not word.is_sign)
