"""Turns texts into numbers of words, with a small vocabulary of our own."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.normalize import tokens

PAD, UNKNOWN, FIRST_WORD = 0, 1, 2
POSITIONS = 16
FILE = "vocabulary.json"


class WordTokenizer:
    """Numbers the words of a text as the catalogue's normaliser cuts them.

    One normaliser for documents and queries means that tee, t-shirt and T shirt are one word here
    too. Id 0 is padding, 1 stands for every word that is not in the vocabulary.

    Args:
        words: The vocabulary; the id of a word is its place plus 2.
        positions: Words of a text that count; what follows is dropped.
        split: Cuts a text into words.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        positions: int = POSITIONS,
        split: Callable[[str], list[str]] = tokens,
    ) -> None:
        self.words = tuple(words)
        self.positions = positions
        self._split = split
        self._ids = {word: number for number, word in enumerate(self.words, FIRST_WORD)}

    @classmethod
    def learn(cls, texts: Iterable[str], *, least: int = 2, most: int = 16_384) -> "WordTokenizer":
        """Makes the vocabulary of the words that occur at least ``least`` times in the texts.

        The commonest ``most`` are kept, equally common ones by their letters.
        """
        counts = Counter(word for text in texts for word in tokens(text))
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls([word for word, count in ranked[:most] if count >= least])

    @classmethod
    def open(cls, folder: Path) -> "WordTokenizer":
        """Reads what :meth:`write` wrote.

        Raises:
            ValueError: The file is damaged.
        """
        read = json.loads((folder / FILE).read_bytes())
        words, positions = read["words"], read["positions"]
        if not isinstance(positions, int) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"{folder / FILE} is no vocabulary")
        return cls(words, positions=positions)

    def write(self, folder: Path) -> None:
        """Writes the vocabulary into ``folder``."""
        body = {"positions": self.positions, "words": self.words}
        (folder / FILE).write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")

    @property
    def size(self) -> int:
        """Number of ids, padding and the unknown word included."""
        return len(self.words) + FIRST_WORD

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Returns int64 ids ``[len(texts), positions]``, padded with 0 on the right."""
        ids = np.full((len(texts), self.positions), PAD, np.int64)
        for row, text in zip(ids, texts, strict=True):
            found = [self._ids.get(word, UNKNOWN) for word in self._split(text)[: self.positions]]
            row[: len(found)] = found
        return ids

    def known(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tells of each row whether any of its words is in the vocabulary, bool ``[n]``."""
        return np.asarray((ids >= FIRST_WORD).any(axis=1))

    def digest(self) -> str:
        """Returns the SHA-256 of the vocabulary, its order and the positions."""
        body = json.dumps([self.positions, self.words], ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()
