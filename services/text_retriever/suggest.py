"""Completes what a shopper is typing from the words, names and titles of the catalogue."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from services.text_retriever.looking import Looking
from services.text_retriever.spelling import WordList
from services.text_retriever.typed import Typed, looked_up
from services.text_retriever.values import CATEGORY, KINDS, ValueNames

QUERY, PRODUCT, SPELLING = "query", "product", "spelling"
_MENDINGS = 3
_RATHER = 10
_KINDS_SHOWN = 3
_TITLES_SHARE = 4
_WORDS = 3  # that are looked through for one that is shown
_SHORTEST_BEGUN = 2


@dataclass(frozen=True, slots=True)
class Completion:
    """What may be meant: its text, what it is, and how many products hold all its words.

    ``kind`` is ``query``, ``product``, ``category``, ``brand`` or ``spelling``.
    """

    text: str
    kind: str
    product_count: int


@dataclass(frozen=True, slots=True)
class Completer:
    """Completes from one view of an index; equal views give equal completions.

    What is typed is read as whole words and the beginning of a last one. It is completed by words
    that stand with the whole ones in a product, by brands and categories, by the kinds of what is
    found already, and by titles. Only where that comes to nothing are the words mended that no
    product holds.

    Attributes:
        looking: Looks words up.
        counts: How many products each value has, by field.
        names: The names of these values, and perhaps of others.
        words: The words of the index, and perhaps others.
    """

    looking: Looking
    counts: Mapping[str, Mapping[str, int]]
    names: ValueNames
    words: WordList

    def complete(self, text: str, limit: int) -> list[Completion]:
        """Returns at most ``limit`` completions, 1 or more, the best first.

        Raises:
            Internal: The engine failed.
        """
        typed = Typed.of(text, self.looking.normalizer)
        if typed is None:
            return []
        found = self._completed(typed, limit)
        if found:
            return found
        mended: dict[str, Completion] = {}
        for other in self._mendings(typed):
            longer = self._completed(other, limit)
            for each in (*self._spelt(other, longer), *longer):
                mended.setdefault(each.text.casefold(), each)
            if len(mended) >= limit:
                break
        return list(mended.values())[:limit]

    def _completed(self, typed: Typed, limit: int) -> list[Completion]:
        """Names and words by how many products they lead to, then titles."""
        named: dict[str, Completion] = {}
        titles = list(self._titles(typed, limit))
        words = self._telling(typed, list(self._next(typed, limit)), titles)
        for each in (*self._names(typed), *words, *self._kinds(typed)):
            best = named.get(each.text.casefold())
            if best is None or (best.kind == QUERY and each.kind != QUERY):
                named[each.text.casefold()] = each
        named.pop(typed.shown.casefold(), None)
        ranked = sorted(named.values(), key=lambda each: (-each.product_count, each.text))
        titles = [each for each in titles if each.text.casefold() not in named]
        reserved = min(len(titles), max(1, limit // _TITLES_SHARE)) if limit > 1 else 0
        first = self._distinct(ranked)[: limit - reserved]
        return [*first, *titles[: limit - len(first)]]

    def _distinct(self, ranked: Sequence[Completion]) -> list[Completion]:
        """Leaves out a kind that is called like a category before it: dress beside Dresses."""
        found: list[Completion] = []
        seen: set[tuple[str, ...]] = set()
        for each in ranked:
            tokens = tuple(self._tokens(each.text)) if each.kind == CATEGORY else ()
            if not tokens or tokens not in seen:
                found.append(each)
            seen.add(tokens)
        return found

    def _telling(
        self, typed: Typed, words: Sequence[tuple[str, Completion]], titles: Sequence[Completion]
    ) -> list[Completion]:
        """Of words those that values or titles hold; others only where there is nothing else."""
        of_titles = {token for each in titles for token in self._tokens(each.text)}
        telling = [
            each for token, each in words if token in of_titles or self.looking.is_telling(token)
        ]
        return telling or [each for _, each in words]

    def _tokens(self, text: str) -> Sequence[str]:
        return looked_up(text, self.looking.normalizer)

    def _names(self, typed: Typed) -> Iterator[Completion]:
        """Brands and categories that begin with all that was typed."""
        for value in self.names.starting(typed.folded):
            count = self.counts[value.field].get(value.text, 0)
            if count:
                yield Completion(value.text, KINDS[value.field], count)

    def _next(self, typed: Typed, limit: int) -> Iterator[tuple[str, Completion]]:
        """Tokens that begin as the last one does, and stand with the others in a product."""
        joined = list(self._joined(typed, limit))
        yield from joined
        # Letters alone, as in "t-sh", are looked up together with what follows them, or not at all.
        if not joined or not typed.words or looked_up(typed.words[-1], self.looking.normalizer):
            found = self.looking.beginning(typed.start, typed.tokens, limit=_WORDS * limit)
            for token, count in found:
                text = typed.before + self.looking.shown(token)
                yield token, Completion(text, QUERY, count)
        for form, token in islice(self.looking.other_forms(typed.start), limit):
            count = self.looking.count([*typed.tokens, token])
            if count:
                yield token, Completion(typed.before + form, QUERY, count)

    def _joined(self, typed: Typed, limit: int) -> Iterator[tuple[str, Completion]]:
        """Words that begin as the last two do, written as one."""
        if typed.joined is None:
            return
        before, start = typed.joined
        tokens = looked_up(before, self.looking.normalizer)
        for token, count in self.looking.beginning(start, tokens, limit=limit):
            yield token, Completion(before + self.looking.shown(token), QUERY, count)

    def _kinds(self, typed: Typed) -> Iterator[Completion]:
        """What was typed, whole, followed by the kinds of garments that it leads to."""
        if not typed.last:
            return  # a lone letter is the beginning of something
        tokens = [*typed.tokens, *typed.last]
        for kind, kind_tokens in self.looking.kinds(tokens, most=_KINDS_SHOWN):
            if not {*kind_tokens} & {*tokens}:
                count = self.looking.count([*tokens, *kind_tokens])
                yield Completion(f"{typed.shown} {kind}", QUERY, count)

    def _titles(self, typed: Typed, limit: int) -> Iterator[Completion]:
        seen = {typed.shown.casefold()}
        for title, tokens in self.looking.titles(typed.tokens, typed.start, typed.last, limit):
            if title.casefold() not in seen:
                seen.add(title.casefold())
                yield Completion(title, PRODUCT, self.looking.count(tokens))

    def _spelt(self, typed: Typed, longer: Sequence[Completion]) -> Iterator[Completion]:
        """What was typed with its spelling mended, unless it is rather the beginning of more."""
        count = self.looking.count([*typed.tokens, *typed.last]) if typed.last else 0
        if count and all(each.product_count <= _RATHER * count for each in longer):
            yield Completion(typed.shown, SPELLING, count)

    def _mendings(self, typed: Typed) -> Iterator[Typed]:
        """What may have been meant where a word is in no product, the likeliest first."""
        before = typed
        for place, word in enumerate(typed.words):
            if not self._is_known(word):
                near = self._begun(word) or self._likeliest(word, self.words.near(word), 1)
                if not near:
                    return
                before = before.with_word(place, near[0], self.looking.normalizer)
        if self.looking.beginning(typed.start, (), limit=1) or self._is_known(typed.start):
            if before != typed:
                yield before
            return
        meant = [*self.words.near(typed.start), *self.words.near_start(typed.start)]
        for word in self._likeliest(typed.start, meant, _MENDINGS):
            yield before.with_last(word, self.looking.normalizer)

    def _begun(self, word: str) -> list[str]:
        """The commonest word that begins so: who types "nav dr" goes on before a word is whole."""
        if len(word) < _SHORTEST_BEGUN:
            return []
        found = self.looking.beginning(word, (), limit=_WORDS)
        telling = [token for token, _ in found if self.looking.is_telling(token)]
        tokens = telling or [token for token, _ in found]
        return [self.looking.spelt(token) for token in tokens[:1]]

    def _is_known(self, word: str) -> bool:
        tokens = self.looking.normalizer.tokens(word)
        return not tokens or self.looking.count(tokens) > 0

    def _likeliest(self, written: str, near: Sequence[tuple[int, str]], most: int) -> list[str]:
        """Those that products hold, with the fewest edits, then in the most products.

        Another first letter counts as one edit more: people seldom mistype it.
        """
        held = [
            (off + (word[:1] != written[:1]), -self.looking.frequency(word), word)
            for off, word in near
        ]
        likeliest = dict.fromkeys(word for _, frequency, word in sorted(held) if frequency)
        return [self.looking.spelt(word) for word in likeliest][:most]
