"""Reads what a shopper has typed so far: whole words, and the beginning of a last one."""

import re
from dataclasses import dataclass

from catalog.folding import GAP, WORD, fold
from catalog.hangul import is_part
from catalog.normalize import MAX_CHARS, Normalizer, clean

# What no completion shows: signs that neither join words nor stand beside an amount.
_SIGNS = re.compile(r"[^\w\s\u0300-\u036f\-\u2010-\u2015'\u2019&+/.,%\u20a0-\u20bf$\u00a3\u00a5]+")


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, in lower case.

    Attributes:
        shown: All of it.
        before: What stands before the last word.
        words: The words before the last one, folded.
        tokens: What they are looked up as.
        start: The last word, which may be the beginning of one, folded.
        last: What it is looked up as where it is whole.
    """

    shown: str
    before: str
    words: tuple[str, ...]
    tokens: tuple[str, ...]
    start: str
    last: tuple[str, ...]

    @classmethod
    def of(cls, text: str, normalizer: Normalizer) -> "Typed | None":
        """Reads a text, of which the first 512 characters count; None where it holds no word."""
        shown = clean(_SIGNS.sub(" ", clean(text[:MAX_CHARS]).lower()))
        if "'" in (folded := shown.replace("\u2019", "'")):
            shown = clean(fold(folded))
        found = [*WORD.finditer(shown)]
        if not found:
            return None
        first, last = found[0].start(), found[-1]
        before = shown[first : last.start()]
        return cls(
            shown[first : last.end()],
            before,
            tuple(fold(each[0]) for each in found[:-1]),
            looked_up(before, normalizer),
            fold(last[0]),
            looked_up(last[0], normalizer),
        )

    @property
    def folded(self) -> str:
        """All words, folded, a space between them."""
        return " ".join((*self.words, self.start))

    @property
    def joined(self) -> tuple[str, str] | None:
        """What stands before the last two words, and these as one: "off-sh" may be "offsh"."""
        found = [*WORD.finditer(self.shown)]
        if len(found) < 2 or not GAP.fullmatch(self.shown, found[-2].end(), found[-1].start()):
            return None
        return self.shown[: found[-2].start()], self.words[-1] + self.start

    def with_word(self, place: int, word: str, normalizer: Normalizer) -> "Typed":
        """Returns the same with another word in the place of one before the last."""
        at = [*WORD.finditer(self.shown)][place]
        shown = self.shown[: at.start()] + word + self.shown[at.end() :]
        return self._again(shown, normalizer)

    def with_last(self, word: str, normalizer: Normalizer) -> "Typed":
        """Returns the same with another last word."""
        return self._again(self.before + word, normalizer)

    def _again(self, shown: str, normalizer: Normalizer) -> "Typed":
        return Typed.of(shown, normalizer) or self


def looked_up(text: str, normalizer: Normalizer) -> tuple[str, ...]:
    """Returns the tokens of a text, each once, without the parts of Korean words."""
    tokens = dict.fromkeys(normalizer.tokens(text))
    return tuple(token for token in tokens if not is_part(token))
