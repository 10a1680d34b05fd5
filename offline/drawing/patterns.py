"""Patterns and textures of cloth, drawn in the grain of a piece."""

import numpy as np
from PIL import Image, ImageDraw

from offline.drawing.shading import FloatImage, noise

PATTERNS = ("plain", "striped", "checked", "dotted", "floral")
PATTERN_ROLES = ("second", "third", "leaf")
_TILE = 64


def grain(
    box: tuple[int, int, int, int], angle: float, folds: FloatImage
) -> tuple[FloatImage, FloatImage]:
    """Returns coordinates across and along the grain in pixels, bent where the cloth folds."""
    left, top, right, bottom = box
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    turn = np.float32(np.deg2rad(angle))
    dx, dy = x - 128, y - 128
    across = dx * np.cos(turn) + dy * np.sin(turn)
    along = -dx * np.sin(turn) + dy * np.cos(turn)
    gy, gx = np.gradient(folds)
    return (across + 3.0 * gx).astype(np.float32), (along + 3.0 * gy + folds).astype(np.float32)


def pattern(
    name: str, variety: int, across: FloatImage, along: FloatImage, tile: FloatImage
) -> FloatImage:
    """Returns the share of each of :data:`PATTERN_ROLES` at each pixel, [3, h, w].

    Args:
        name: One of :data:`PATTERNS`.
        variety: Chooses among the scales and kinds of the pattern, 0 to 5.
        across: Coordinates across the grain, [h, w].
        along: Coordinates along the grain, [h, w].
        tile: Flowers from :func:`flower_tile`, for ``floral``.
    """
    shares = np.zeros((3, *across.shape), dtype=np.float32)
    if name == "striped":
        shares[0] = _stripes(variety, across, along)
    elif name == "checked":
        shares[0], shares[1] = _checks(variety, across, along)
    elif name == "dotted":
        shares[0] = _dots(variety, across, along)
    elif name == "floral":
        scale = (1.0, 1.25, 0.8)[variety % 3]
        rows = (along * scale * 2).astype(np.int32) % (2 * _TILE)
        columns = (across * scale * 2).astype(np.int32) % (2 * _TILE)
        shares[:] = tile[:, rows, columns]
    return shares


def _band(phase: FloatImage, period: float, width: float) -> FloatImage:
    """Returns 1 within ``width`` of each multiple of ``period``, with a soft edge of a pixel."""
    distance = np.abs((phase + period / 2) % period - period / 2)
    return np.asarray(np.clip(width / 2 - distance + 0.5, 0.0, 1.0), dtype=np.float32)


def _stripes(variety: int, across: FloatImage, along: FloatImage) -> FloatImage:
    if variety % 6 == 0:  # Breton
        return _band(along, 13.0, 4.4)
    if variety % 6 == 1:  # pinstripe, upright
        return _band(across, 9.0, 1.6)
    if variety % 6 == 2:  # broad
        return _band(along, 26.0, 11.0)
    if variety % 6 == 3:  # upright shirt stripe
        return _band(across, 12.0, 4.2)
    if variety % 6 == 4:  # double
        return np.maximum(_band(along, 22.0, 5.5), _band(along - 8.0, 22.0, 2.0))
    return _band(along, 8.0, 2.8)


def _checks(variety: int, across: FloatImage, along: FloatImage) -> tuple[FloatImage, FloatImage]:
    period = (20.0, 28.0, 14.0)[variety % 3]
    if variety % 2 == 0:  # gingham: two translucent bands that add up
        bands = _band(across, period, period * 0.46) + _band(along, period, period * 0.46)
        return bands * np.float32(0.44), np.zeros_like(bands)
    wide = _band(across, period, period * 0.36) + _band(along, period, period * 0.36)
    thin = np.maximum(
        _band(across + period / 2, period, 1.5), _band(along + period / 2, period, 1.5)
    )
    return np.clip(wide * 0.42, 0.0, 0.84) * (1 - thin * 0.8), thin * np.float32(0.8)


def _dots(variety: int, across: FloatImage, along: FloatImage) -> FloatImage:
    period, radius = ((15.0, 3.1), (20.0, 5.0), (11.0, 1.9))[variety % 3]
    row = np.floor(along / (period * 0.866))
    x = (across + (row % 2) * period / 2) % period - period / 2
    y = along % (period * 0.866) - period * 0.433
    return np.asarray(np.clip(radius - np.sqrt(x * x + y * y) + 0.5, 0.0, 1.0), dtype=np.float32)


def flower_tile(rng: np.random.Generator) -> FloatImage:
    """Returns a tile of petals, hearts and leaves that repeats, [3, 128, 128] for 64 units."""
    scale = 4
    side = _TILE * scale
    layers = [Image.new("L", (side * 2, side * 2), 0) for _ in range(3)]
    pens = [ImageDraw.Draw(layer) for layer in layers]
    spots = [(14, 14), (46, 20), (24, 44), (54, 52)]
    petals = int(rng.integers(5, 8))
    for number, (x, y) in enumerate(spots):
        radius = (10.5, 7.0, 8.5, 6.0)[number] * float(rng.uniform(0.9, 1.1))
        x, y = x + int(rng.integers(-3, 4)), y + int(rng.integers(-3, 4))
        turn = float(rng.uniform(0, np.pi))
        for shift_x in (-_TILE, 0, _TILE):
            for shift_y in (-_TILE, 0, _TILE):
                at = (x + shift_x + _TILE / 2, y + shift_y + _TILE / 2)
                _flower(pens, at, radius, petals, turn, scale)
    crop = (side // 2, side // 2, side // 2 + side, side // 2 + side)
    tile = np.stack(
        [np.asarray(layer.crop(crop).reduce(scale // 2), dtype=np.float32) for layer in layers]
    ) / np.float32(255)
    tile[0] *= 1 - tile[1]
    tile[2] *= 1 - np.clip(tile[0] + tile[1], 0, 1)
    return tile.astype(np.float32)


def _flower(
    pens: list[ImageDraw.ImageDraw],
    at: tuple[float, float],
    radius: float,
    petals: int,
    turn: float,
    scale: int,
) -> None:
    x, y = at
    for side in (0.4, 2.6, 4.6):  # leaves below the petals
        angle = turn + side
        points = []
        for t in np.linspace(0, 1, 9):
            reach = radius * (0.7 + 1.0 * t)
            bend = radius * 0.30 * float(np.sin(np.pi * t))
            points.append((angle, reach, bend))
        leaf = [_polar(x, y, a, r, b, scale) for a, r, b in points]
        leaf += [_polar(x, y, a, r, -b, scale) for a, r, b in reversed(points)]
        pens[2].polygon(leaf, fill=235)
    for petal in range(petals):
        angle = turn + 2 * np.pi * petal / petals
        cx = (x + np.cos(angle) * radius * 0.56) * scale
        cy = (y + np.sin(angle) * radius * 0.56) * scale
        r = radius * 0.42 * scale
        pens[0].ellipse((cx - r, cy - r, cx + r, cy + r), fill=255)
    heart = radius * 0.27 * scale
    pens[1].ellipse(
        (x * scale - heart, y * scale - heart, x * scale + heart, y * scale + heart), fill=255
    )


def _polar(
    x: float, y: float, angle: float, reach: float, bend: float, scale: int
) -> tuple[float, float]:
    px = x + np.cos(angle) * reach - np.sin(angle) * bend
    py = y + np.sin(angle) * reach + np.cos(angle) * bend
    return float(px) * scale, float(py) * scale


def texture(
    name: str, across: FloatImage, along: FloatImage, rng: np.random.Generator
) -> FloatImage:
    """Returns the weave as a factor of the light, about 1."""
    shape = (across.shape[0], across.shape[1])
    wave = np.float32(2 * np.pi)
    if name == "rib":
        return np.asarray(1 + 0.10 * np.sin(across * wave / 4.0), dtype=np.float32)
    if name == "knit":  # rows of V stitches
        slant = np.abs((across % 5.0) - 2.5) * 0.9
        return np.asarray(1 + 0.07 * np.sin((along + slant) * wave / 4.0), dtype=np.float32)
    if name == "cable":
        twist = np.sin(along * wave / 16.0) * 3.2
        rope = np.sin((across + twist * np.sign(np.sin(across * wave / 44.0))) * wave / 11.0)
        return np.asarray(1 + 0.10 * rope + 0.03 * np.sin(along * wave / 4.0), dtype=np.float32)
    if name == "twill":
        wash = noise(rng, shape, (30.0, 46.0)) * 0.035
        fine = rng.standard_normal(shape).astype(np.float32) * 0.035
        return np.asarray(
            1 + wash + fine + 0.03 * np.sin((across + along) * wave / 3.0), dtype=np.float32
        )
    if name == "corduroy":
        return np.asarray(1 + 0.09 * np.sin(across * wave / 5.0), dtype=np.float32)
    if name == "wool":
        fine = rng.standard_normal(shape).astype(np.float32) * 0.016
        return np.asarray(1 + fine + noise(rng, shape, (3.0, 3.0)) * 0.018, dtype=np.float32)
    if name == "straw":
        weave = np.sin(across * wave / 5.0) * np.sin(along * wave / 4.0)
        return np.asarray(1 + 0.13 * weave, dtype=np.float32)
    if name == "leather":
        return np.asarray(1 + noise(rng, shape, (4.0, 4.0)) * 0.015, dtype=np.float32)
    return np.ones(shape, dtype=np.float32)
