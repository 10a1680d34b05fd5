"""Notices when an encoder no longer answers as it did when the index was built."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.artifacts import ArtifactRefused
from services.image_retriever.encoder import Encoder

# bfloat16 and another machine's kernels stay above this; other weights do not.
LEAST_COSINE = 0.98
_TEXTS, _VECTORS = "canaries.json", "canaries.npy"


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
