"""Takes what stands around a garment out of a photo, where the two can be told apart.

Two colour models in CIE Lab, one begun at the border of the photo and one at its middle, are fitted
in turns with the question which pixel belongs to which, as GrabCut does (Rother, Kolmogorov, Blake,
SIGGRAPH 2004); where that cuts a graph, this smooths the answers along the edges of the photo by a
guided filter (He, Sun, Tang, TPAMI 2013). What the border reaches is the background. It runs in the
photo worker, so it imports nothing but numpy and Pillow.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_Plane = NDArray[np.float32] | NDArray[np.float64]
_Mask = NDArray[np.bool_]

SIDE = 128  # pixels of the longer side that the question is asked at
_COLOURS, _COLOUR_ROUNDS, _ROUNDS = 32, 8, 6
_SAMPLE = 4096  # pixels that the colours are chosen by
_RING = 0.035  # of a side: what is background for certain
_RADIUS, _EDGE = 3, 4e-4  # of the guided filter, on lightness 0 to 1
_LEAST_AREA, _MOST_AREA = 0.04, 0.80
_MOST_BORDER = 0.30  # of the border that the garment may reach over
_LEAST_APART = 0.55  # 1 less the overlap of the two colour models
_LEAST_SURE = 0.15
_LEAST_CONTRAST = 8.0  # in Lab: what lies on the two sides of the edge
_PART_OF_LARGEST = 0.15  # two shoes are two parts; specks are none
_MARGIN = 0.05
WHITE = (255, 255, 255)


def without_background(photo: Image.Image) -> Image.Image | None:
    """Returns the garment alone, on white and cut out with a narrow margin.

    Args:
        photo: An upright photo in RGB.

    Returns:
        None where garment and background cannot be told apart, or where there is no background.
    """
    share = min(1.0, SIDE / max(photo.size))
    small = photo.resize(
        (max(8, round(photo.width * share)), max(8, round(photo.height * share))),
        Image.Resampling.BOX,
    )
    garment = garment_mask(np.asarray(small, np.uint8))
    if garment is None:
        return None
    soft = Image.fromarray((255 * garment).astype(np.uint8), "L").resize(
        photo.size, Image.Resampling.BICUBIC
    )
    # Between a quarter and three quarters of a coarse pixel lies the edge.
    mask = soft.point(lambda value: max(0, min(255, 2 * value - 128)))
    ground = Image.new("RGB", photo.size, WHITE)
    ground.paste(photo, mask=mask)
    return ground.crop(_box(garment, photo.size))


def garment_mask(pixels: NDArray[np.uint8]) -> _Mask | None:
    """Returns which pixels are the garment, bool ``[h, w]``; None where nothing tells.

    Args:
        pixels: RGB ``[h, w, 3]``, about 128 on the longer side.
    """
    lab = _lab(pixels)
    names = _clusters(lab)
    ring = _ring(names.shape)
    sure = _middle(names.shape)
    sure[ring] = 0.0
    for _ in range(_ROUNDS):
        odds = _odds(names, sure)
        sure = _smoothed(lab[..., 0] / 100, 1 / (1 + np.exp(-odds)))
        sure[ring] = np.minimum(sure[ring], 0.5)
    garment = _whole(sure > 0.5)
    is_apart = _is_told_apart(garment, sure, names) and _contrast(lab, garment) >= _LEAST_CONTRAST
    return garment if is_apart else None


def _is_told_apart(garment: _Mask, sure: _Plane, names: NDArray[np.int64]) -> bool:
    area = float(garment.mean())
    if not _LEAST_AREA <= area <= _MOST_AREA:
        return False
    edge = np.concatenate([garment[0], garment[-1], garment[:, 0], garment[:, -1]])
    if float(edge.mean()) > _MOST_BORDER:
        return False
    inside = np.bincount(names[garment], minlength=_COLOURS) / garment.sum()
    outside = np.bincount(names[~garment], minlength=_COLOURS) / (~garment).sum()
    # Bhattacharyya's coefficient: 1 where both have the same colours, 0 where they share none.
    if 1.0 - float(np.sqrt(inside * outside).sum()) < _LEAST_APART:
        return False
    return float(np.abs(2 * sure - 1).mean()) >= _LEAST_SURE


def _contrast(lab: _Plane, garment: _Mask) -> float:
    """Returns by how much, in Lab, the two sides of the garment's edge differ on the average."""
    share = _box_mean(garment.astype(np.float32))
    edge = (share > 0.2) & (share < 0.8)
    apart = [
        _box_mean(plane * garment) / np.maximum(share, 0.01)
        - _box_mean(plane * ~garment) / np.maximum(1 - share, 0.01)
        for plane in (lab[..., 0], lab[..., 1], lab[..., 2])
    ]
    differences = np.sqrt(np.sum(np.square(apart), axis=0))
    return float(differences[edge].mean()) if edge.any() else 0.0


def _lab(pixels: NDArray[np.uint8]) -> _Plane:
    """Returns CIE Lab (D65) of sRGB, float32 ``[h, w, 3]``."""
    value = pixels.astype(np.float32) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32
    )
    xyz = linear @ matrix.T / np.array([0.9505, 1.0, 1.089], np.float32)
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def _clusters(lab: _Plane) -> NDArray[np.int64]:
    """Returns for each pixel the number of its colour, int64 ``[h, w]``, by k-means."""
    flat = lab.reshape(-1, 3) * np.array([0.7, 1.0, 1.0], np.float32)  # shadows count for less
    order = np.argsort(flat @ np.array([1.0, 0.6, 0.3], np.float32), kind="stable")
    seeds = order[np.linspace(0, len(order) - 1, _COLOURS).astype(np.int64)]
    centres = flat[seeds].copy()
    some = flat[:: max(1, len(flat) // _SAMPLE)]
    for _ in range(_COLOUR_ROUNDS):
        names = _nearest(some, centres)
        counts = np.bincount(names, minlength=_COLOURS)
        for axis in range(3):
            sums = np.bincount(names, weights=some[:, axis], minlength=_COLOURS)
            centres[:, axis] = np.where(counts, sums / np.maximum(counts, 1), centres[:, axis])
    return _nearest(flat, centres).reshape(lab.shape[:2])


def _nearest(points: _Plane, centres: _Plane) -> NDArray[np.int64]:
    # |x - c|^2 less |x|^2, which does not tell which centre is nearest.
    distances = (centres**2).sum(axis=1) - 2 * points @ centres.T
    nearest: NDArray[np.int64] = distances.argmin(axis=1)
    return nearest


def _odds(names: NDArray[np.int64], sure: _Plane) -> _Plane:
    """Returns the logarithm of the odds that a pixel of such a colour is the garment."""
    inside = np.bincount(names.ravel(), weights=sure.ravel(), minlength=_COLOURS)
    outside = np.bincount(names.ravel(), weights=1 - sure.ravel(), minlength=_COLOURS)
    rate = np.log((inside + 1) / (inside.sum() + _COLOURS))
    rate -= np.log((outside + 1) / (outside.sum() + _COLOURS))
    odds: _Plane = rate[names]
    return odds


def _smoothed(guide: _Plane, values: _Plane) -> _Plane:
    """Returns values smoothed along the edges of the guide, both 0 to 1 ``[h, w]``."""
    mean, middle = _box_mean(guide), _box_mean(values)
    slope = (_box_mean(guide * values) - mean * middle) / (
        _box_mean(guide * guide) - mean * mean + _EDGE
    )
    offset = middle - slope * mean
    return np.clip(_box_mean(slope) * guide + _box_mean(offset), 0, 1)


def _box_mean(plane: _Plane) -> _Plane:
    """Returns the mean of the window around each pixel; at the edges the photo goes on."""
    wide = 2 * _RADIUS + 1
    padded = np.pad(plane, _RADIUS, mode="edge").astype(np.float64)
    sums = np.pad(padded.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    found = sums[wide:, wide:] - sums[:-wide, wide:] - sums[wide:, :-wide] + sums[:-wide, :-wide]
    mean: _Plane = found / wide**2
    return mean


def _ring(shape: tuple[int, int]) -> _Mask:
    """Returns the border of a photo, bool ``[h, w]``."""
    width = max(1, round(_RING * max(shape)))
    ring = np.ones(shape, np.bool_)
    ring[width:-width, width:-width] = False
    return ring


def _middle(shape: tuple[int, int]) -> _Plane:
    """Returns how likely each pixel is the garment before one has looked, 0 to 1 ``[h, w]``."""
    rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    far = np.maximum(np.abs(rows), np.abs(columns))
    return (0.9 * np.clip(1.4 - 1.5 * far, 0.02, 1)).astype(np.float32)


def _whole(garment: _Mask) -> _Mask:
    """Returns the garment without holes and specks: what the border does not reach."""
    filled = ~_reached(~garment, _edges(garment.shape))
    parts: list[_Mask] = []
    left = filled.copy()
    while left.any():
        seed = np.zeros_like(left)
        seed.flat[int(left.argmax())] = True
        part = _reached(left, seed)
        parts.append(part)
        left &= ~part
    largest = max((int(part.sum()) for part in parts), default=0)
    kept = [part for part in parts if part.sum() >= _PART_OF_LARGEST * largest]
    return np.logical_or.reduce(kept) if kept else filled


def _edges(shape: tuple[int, ...]) -> _Mask:
    edges = np.zeros(shape, np.bool_)
    edges[[0, -1]] = True
    edges[:, [0, -1]] = True
    return edges


def _reached(open_: _Mask, seed: _Mask) -> _Mask:
    """Returns what of an open area can be reached from a seed, side by side."""
    found = seed & open_
    while True:
        grown = found.copy()
        grown[1:] |= found[:-1]
        grown[:-1] |= found[1:]
        grown[:, 1:] |= found[:, :-1]
        grown[:, :-1] |= found[:, 1:]
        grown &= open_
        if (grown == found).all():
            return found
        found = grown


def _box(garment: _Mask, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Returns left, top, right and bottom of the garment in a photo of ``size``, and a margin."""
    rows, columns = np.flatnonzero(garment.any(axis=1)), np.flatnonzero(garment.any(axis=0))
    high, wide = size[1] / garment.shape[0], size[0] / garment.shape[1]
    margin = _MARGIN * max(size)
    return (
        max(0, round(columns[0] * wide - margin)),
        max(0, round(rows[0] * high - margin)),
        min(size[0], round((columns[-1] + 1) * wide + margin)),
        min(size[1], round((rows[-1] + 1) * high + margin)),
    )
