"""Notices when an encoder or an index no longer answers as it did when the index was built."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from runtime import canaries
from runtime.artifacts import ArtifactRefused
from services.image_retriever.encoder import Encoder
from services.image_retriever.view import Found

# bfloat16 and another machine's kernels stay above this; other weights do not.
LEAST_COSINE = 0.98
# Of the cosines that an index finds: half precision and the 8 bits of a list stay below it.
TOLERANCE = 0.02
_TEXTS, _VECTORS = "canaries.json", "canaries.npy"


class Searched(Protocol):
    """An index that can be asked."""

    def search(self, vectors: NDArray[np.float32], count: int) -> list[Found]:
        """Finds the ``count`` nearest products of each unit row."""


@dataclass(frozen=True, slots=True)
class Canaries:
    """A few texts and their vectors float32 ``[n, dim]``; a zero row is a text of unknown words."""

    texts: tuple[str, ...]
    vectors: NDArray[np.float32]

    @classmethod
    def write(cls, texts: Sequence[str], encoder: Encoder, folder: Path) -> "Canaries":
        """Encodes the texts and writes them into the folder of an index."""
        vectors, _ = encoder.encode_texts(texts)
        (folder / _TEXTS).write_text(json.dumps(list(texts)))
        np.save(folder / _VECTORS, vectors)
        return cls(tuple(texts), vectors)

    @classmethod
    def open(cls, folder: Path) -> "Canaries":
        """Reads what :meth:`write` wrote; an index built without canaries has none.

        Raises:
            ArtifactRefused: The files are damaged.
        """
        if not (folder / _TEXTS).exists():
            return cls((), np.zeros((0, 0), np.float32))
        try:
            texts = json.loads((folder / _TEXTS).read_bytes())
            vectors = np.load(folder / _VECTORS, allow_pickle=False, mmap_mode=None)
        except (OSError, ValueError) as error:
            raise ArtifactRefused("canaries", f"{folder} holds no canaries") from error
        if not isinstance(texts, list) or vectors.ndim != 2 or len(texts) != len(vectors):
            raise ArtifactRefused("canaries", f"{folder}: canaries do not fit each other")
        return cls(tuple(map(str, texts)), vectors)

    def check(self, encoder: Encoder) -> None:
        """Encodes the texts again, which warms the encoder too.

        Raises:
            ArtifactRefused: A vector points elsewhere than it did at the build.
        """
        if not self.texts:
            return
        vectors, _ = encoder.encode_texts(self.texts)
        said = np.linalg.norm(self.vectors, axis=1) > 0
        if vectors.shape != self.vectors.shape or np.any(
            (np.linalg.norm(vectors, axis=1) > 0) != said
        ):
            raise ArtifactRefused("canaries", "the encoder knows other words than at the build")
        worst = float(np.min(np.sum(vectors * self.vectors, axis=1)[said], initial=1.0))
        if not worst >= LEAST_COSINE:
            raise ArtifactRefused(
                "canaries", f"the encoder answers otherwise than at the build: cosine {worst:.3f}"
            )

    def record(
        self, index: Searched, ids: Sequence[str], rows: NDArray[np.float32], folder: Path
    ) -> list[dict[str, object]]:
        """Writes what the texts find into the folder of an index; returns queries and ids.

        A text counts only when an exact search over the rows, float32 ``[n, dim]`` of the
        products ``ids``, finds the same: another device may search exactly.
        """
        norms = np.linalg.norm(rows, axis=1)
        sure = []
        for text, vector in zip(self.texts, self.vectors, strict=True):
            if not vector.any() or not len(rows):
                continue
            best = np.argsort(-(rows @ vector) / norms, kind="stable")[: canaries.DEPTH]
            found, _ = self._answer(index, text, canaries.DEPTH)
            if set(found) == {ids[row] for row in best}:
                sure.append(text)
        return canaries.record(sure, partial(self._answer, index), folder)

    def check_index(self, index: Searched, folder: Path) -> None:
        """Searches for the texts again, by the vectors of the build.

        Raises:
            ArtifactRefused: The index finds other products than it did at the build.
        """
        canaries.check(folder, partial(self._answer, index), tolerance=TOLERANCE)

    def _answer(self, index: Searched, text: str, count: int) -> canaries.Answer:
        if text not in self.texts:
            raise ArtifactRefused("canaries", "a canary query has no vector")
        found = index.search(self.vectors[[self.texts.index(text)]], count)[0]
        return found.ids, found.scores.tolist()
