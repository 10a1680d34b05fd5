"""Ranks documents by latent semantic analysis, as a dense side for collections without pictures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

from services.gateway.stages import Ranking

TOPICS = 256


class LatentRankings:
    """Documents in a space of topics (Deerwester et al., JASIS 1990), learned from them alone.

    Args:
        ids: The documents.
        texts: Their texts, in the same order.
        topics: Dimensions of the space.
    """

    def __init__(self, ids: Sequence[str], texts: Sequence[str], *, topics: int = TOPICS) -> None:
        self._ids = list(ids)
        self._words = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2)
        counted = self._words.fit_transform(texts)
        topics = min(topics, min(counted.shape) - 1)
        self._space = TruncatedSVD(n_components=topics, random_state=0)
        self._documents = _unit(self._space.fit_transform(counted))

    def search(self, text: str, count: int) -> Ranking:
        """The documents of the highest cosine, equal ones by id; none for words that none holds."""
        query = _unit(self._space.transform(self._words.transform([text])))[0]
        if not query.any():
            return Ranking([], [])
        cosines = self._documents @ query
        order = np.lexsort((self._ids, -cosines))[:count]
        return Ranking([self._ids[row] for row in order], cosines[order].tolist())


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float64] = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit
