"""Finds the similarity below which a hit is no better than what nonsense finds."""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from services.image_retriever.encoder import Encoder

Vectors = NDArray[np.float32]
Pixels = NDArray[np.uint8]

NOISE_QUANTILE, REAL_QUANTILE = 0.99, 0.02
DEPTH = 50
_NONSENSE = 96
_LEAST = 8
# Words of other walks of life: nonsense to a shop, known to an encoder that has read the web.
_OFF_TOPIC = (
    "tax",
    "senate",
    "molecule",
    "engine",
    "invoice",
    "volcano",
    "theorem",
    "election",
    "orbit",
    "enzyme",
    "treaty",
    "mortgage",
    "algorithm",
    "parliament",
    "glacier",
    "hormone",
    "inflation",
    "bacteria",
    "lawsuit",
    "satellite",
)


@dataclass(frozen=True, slots=True)
class Floor:
    """A floor and how it came about.

    Attributes:
        value: The floor; None where no nonsense has a vector, so that nothing need be cut.
        noise: The .99 quantile of the best similarity that nonsense finds.
        real: The .02 quantile of the similarity of the 50th hit of real queries.
        nonsense: Queries of nonsense that had a vector.
        queries: Real queries.
    """

    value: float | None
    noise: float | None
    real: float | None
    nonsense: int
    queries: int

    def facts(self) -> dict[str, object]:
        """Returns the manifest's words for it."""
        return {
            "noise_best_p99": None if self.noise is None else round(self.noise, 4),
            "real_50th_p02": None if self.real is None else round(self.real, 4),
            "nonsense": self.nonsense,
            "queries": self.queries,
        }


def floor_between(nonsense: Vectors, real: Vectors, gallery: Vectors) -> Floor:
    """Returns the floor that cuts off nonsense, but never the first 50 hits of a real query.

    The floor is what 99 % of nonsense stays under with its best hit. Where that would reach into
    real queries, it is what 98 % of them pass with their 50th hit: losing a real hit is worse
    than showing nonsense something. In a gallery of fewer than 500 the depth is a tenth of it.

    Args:
        nonsense: Unit rows float32 ``[m, dim]``.
        real: Unit rows float32 ``[q, dim]``.
        gallery: Unit rows float32 ``[n, dim]``.
    """
    noise = real_level = None
    depth = min(DEPTH, max(1, len(gallery) // 10))
    if len(gallery) and len(nonsense):
        noise = float(np.quantile(_hit(nonsense, gallery, 1), NOISE_QUANTILE))
    if len(gallery) and len(real):
        real_level = float(np.quantile(_hit(real, gallery, depth), REAL_QUANTILE))
    value = None
    if noise is not None and real_level is not None and len(nonsense) >= _LEAST:
        # Rounded down: what stands exactly at the floor is in.
        value = float(np.floor(min(noise, real_level) * 1e4) / 1e4)
    return Floor(value, noise, real_level, len(nonsense), len(real))


def nonsense_texts(seed: int = 0) -> list[str]:
    """Returns strings of random letters, and words that are no matter of a shop, mixed anew."""
    rng = np.random.default_rng(seed)
    letters = np.array(list(string.ascii_lowercase))
    texts = []
    for number in range(_NONSENSE):
        if number % 2:
            texts.append(" ".join(rng.choice(_OFF_TOPIC, rng.integers(2, 5), replace=False)))
        else:
            words = ("".join(rng.choice(letters, rng.integers(3, 9))) for _ in range(2))
            texts.append(" ".join(words))
    return texts


def nonsense_photos(size: int, seed: int = 0) -> list[Pixels]:
    """Returns noise, smooth noise, stripes, checks, slopes and blanks, uint8 [size, size, 3]."""
    rng = np.random.default_rng(seed)
    draw: Sequence[Callable[[], NDArray[np.float64]]] = (
        lambda: rng.random((size, size, 3)),
        lambda: _enlarged(rng.random((4, 4, 3)), size),
        lambda: _waves(rng, size)[:, :, None] * rng.random(3),
        lambda: (_waves(rng, size) > 0.5)[:, :, None] * rng.random(3) + rng.random(3) / 2,
        lambda: np.linspace(0, 1, size)[:, None, None] * rng.random(3) * np.ones((1, size, 1)),
        lambda: np.ones((size, size, 1)) * rng.random(3),
    )
    made = [draw[number % len(draw)]() for number in range(_NONSENSE)]
    return [(255 * np.clip(photo, 0, 1)).astype(np.uint8) for photo in made]


def text_floor(encoder: Encoder, titles: Sequence[str], gallery: Vectors) -> Floor:
    """Returns the floor of queries in words."""
    noise, is_noise = encoder.encode_texts(nonsense_texts())
    real, is_real = encoder.encode_texts(titles)
    return floor_between(noise[is_noise], real[is_real], gallery)


def photo_floor(encoder: Encoder, photos: Sequence[Pixels], gallery: Vectors) -> Floor:
    """Returns the floor of queries that are photos; ``photos`` are real ones as a shopper crops."""
    noise = encoder.encode_photos(nonsense_photos(encoder.image_size))
    return floor_between(noise, encoder.encode_photos(photos), gallery)


def _hit(queries: Vectors, gallery: Vectors, place: int) -> Vectors:
    """Returns the similarity of each query's hit at a place, from 1."""
    columns = torch.from_numpy(gallery).T
    found = [
        torch.topk(torch.from_numpy(queries[start : start + 32]) @ columns, place, dim=1).values
        for start in range(0, len(queries), 32)
    ]
    hits: Vectors = torch.cat(found)[:, place - 1].numpy()
    return hits


def _enlarged(grid: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    steps = np.linspace(0, len(grid) - 1, size)
    low = np.floor(steps).astype(int).clip(0, len(grid) - 2)
    part = (steps - low)[:, None, None]
    rows = grid[low] * (1 - part) + grid[low + 1] * part
    part = part.reshape(1, size, 1)
    mixed: NDArray[np.float64] = rows[:, low] * (1 - part) + rows[:, low + 1] * part
    return mixed


def _waves(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    across, down = np.meshgrid(np.arange(size), np.arange(size))
    angle, length = rng.uniform(0, np.pi), rng.uniform(4, size / 2)
    phase = (across * np.cos(angle) + down * np.sin(angle)) * 2 * np.pi / length
    waves: NDArray[np.float64] = 0.5 + 0.5 * np.sin(phase)
    return waves
