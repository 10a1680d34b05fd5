"""Gathers what words and phrases mean, while a table of words is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from catalog.folding import LONE_LETTER, WORD, fold

Phrases = Mapping[str, tuple[tuple[tuple[str, ...], "Term"], ...]]


@dataclass(frozen=True, slots=True)
class Term:
    """What a word or a phrase means.

    ``token`` is what is indexed and looked up; ``readable`` is how a person writes it; ``also``
    are tokens under which a document that holds it is found as well.
    """

    token: str
    readable: str
    also: tuple[str, ...] = ()


class TermBook:
    """Terms by the words that they are written with; those of equal meaning become one.

    Args:
        stop_words: Words that are not indexed.
        forms: The word that is meant, by the word that is written.
    """

    def __init__(self, stop_words: Iterable[str], forms: Mapping[str, str]) -> None:
        self._stop_words = frozenset(stop_words)
        self._forms = forms
        self._terms: dict[tuple[str, ...], Term] = {}
        self._first: dict[str, str] = {}
        self._readable: dict[str, str] = {}
        self._wider: list[tuple[str, str]] = []

    def put(self, words: Iterable[str], term: Term) -> None:
        """Says what is meant by words, of which each is written as it is folded."""
        self._terms[tuple(self._forms.get(word, word) for word in words)] = term

    def settle(self, written: str) -> str:
        """Returns the token of what is written, from now on one term if it is several words.

        A new phrase may be written in one word as well, and a document that holds it is found by
        its words too.
        """
        words = self._meant(written)
        found = self._terms.get(words)
        if found is not None:
            return found.token
        if len(words) == 1:
            return words[0]
        token = "".join(words)
        parts = tuple(each for each in words if each not in self._stop_words | LONE_LETTER)
        term = Term(token, " ".join(written.casefold().split()), parts)
        self._terms[words] = term
        self._terms.setdefault((token,), term)
        return token

    def unite(self, written: Iterable[str]) -> None:
        """Says that all of these mean the same; the first is how it is read."""
        first, *others = written
        token = self.settle(first)
        self._readable.setdefault(self._one(token), first)
        for other in others:
            mine, theirs = self._one(token), self._one(self.settle(other))
            if mine != theirs:
                self._first[theirs] = mine

    def widen(self, asked: str, found: str) -> None:
        """Says that who asks for the one finds the other as well."""
        self._wider.append((self.settle(asked), self.settle(found)))

    def phrases(self) -> Phrases:
        """Returns the terms by their first word, with the words that follow it, longest first."""
        also: dict[str, list[str]] = {}
        for asked, found in self._wider:
            also.setdefault(self._one(found), []).append(self._one(asked))
        for token in {*self._first, *self._first.values(), *also}:
            self._terms.setdefault((token,), Term(token, token))
        by_first: dict[str, list[tuple[tuple[str, ...], Term]]] = {}
        for (first, *rest), term in self._terms.items():
            by_first.setdefault(first, []).append((tuple(rest), self._whole(term, also)))
        return {
            first: tuple(sorted(entries, key=lambda entry: -len(entry[0])))
            for first, entries in by_first.items()
        }

    def _whole(self, term: Term, wider: Mapping[str, list[str]]) -> Term:
        token = self._one(term.token)
        also = (*(self._one(each) for each in term.also), *wider.get(token, ()))
        return replace(
            term,
            token=token,
            readable=self._readable.get(token, term.readable),
            also=tuple(dict.fromkeys(each for each in also if each != token)),
        )

    def _one(self, token: str) -> str:
        """Returns the token that stands for all of the same meaning."""
        while token in self._first:
            token = self._first[token]
        return token

    def _meant(self, written: str) -> tuple[str, ...]:
        return tuple(self._forms.get(word, word) for word in WORD.findall(fold(written)))
