"""Turns pieces into coverage and light: what gives a drawn garment its body."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from offline.drawing.outline import Fold, Outline, Part, Point

FloatImage = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels

SUPERSAMPLE = 3
PAD = 9
_LIGHT = np.array([-0.38, -0.50, 0.78], dtype=np.float32)


def part_box(part: Part, size: int) -> Box:
    """Returns the pixels that a piece and its shadow can touch."""
    xs = [x for x, _ in part.outline]
    ys = [y for _, y in part.outline]
    pad = PAD + part.stroke / 2
    return (
        int(max(0, min(xs) - pad)),
        int(max(0, min(ys) - pad)),
        int(min(size, max(xs) + pad + 1)),
        int(min(size, max(ys) + pad + 1)),
    )


def coverage(part: Part, box: Box) -> FloatImage:
    """Returns how much of each pixel the piece covers, 0 to 1, with smooth edges."""
    mask = _raster(part.outline, box, part.stroke)
    if part.soften and not part.stroke:
        # Cloth has no sharp corners: blur, then sharpen the step again.
        mask = mask.filter(ImageFilter.BoxBlur(part.soften * SUPERSAMPLE * 1.6))
        mask = mask.point([min(255, max(0, (level - 128) * 3 + 128)) for level in range(256)])
    if part.clip:
        mask = ImageChops.multiply(mask, _raster(part.clip, box, 0.0))
    return np.asarray(mask.reduce(SUPERSAMPLE), dtype=np.float32) / np.float32(255)


def _raster(outline: Outline, box: Box, stroke: float) -> Image.Image:
    left, top, right, bottom = box
    scale = SUPERSAMPLE
    mask = Image.new("L", ((right - left) * scale, (bottom - top) * scale), 0)
    draw = ImageDraw.Draw(mask)
    points = [((x - left) * scale, (y - top) * scale) for x, y in outline]
    if stroke:
        draw.line(points, fill=255, width=max(1, round(stroke * scale)), joint="curve")
        radius = stroke * scale / 2
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    else:
        draw.polygon(points, fill=255)
    return mask


def blur(image: FloatImage, radius: float) -> FloatImage:
    """Smooths as a Gaussian of ``radius`` pixels would: three box means in each direction.

    Beyond the border lies nothing (0).
    """
    width = max(1, round(radius * 0.94))
    for _ in range(3):
        image = _box_mean(_box_mean(image, width).T, width).T
    return image


def _box_mean(image: FloatImage, half: int) -> FloatImage:
    height, width = image.shape
    span = 2 * half + 1
    total = np.zeros((height + span, width), dtype=np.float32)
    np.cumsum(image, axis=0, out=total[half + 1 : half + 1 + height])
    total[half + 1 + height :] = total[half + height]
    return (total[span:] - total[:-span]) * np.float32(1 / span)


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: Point) -> FloatImage:
    """Returns smooth noise of unit spread whose grains are ``cell`` (x, y) pixels large."""
    height, width = shape
    grid = rng.standard_normal((int(height / cell[1]) + 3, int(width / cell[0]) + 3))
    image = Image.fromarray(grid.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def relief(folds: Sequence[Fold], box: Box) -> FloatImage:
    """Returns the height of the folds in pixels, smooth, about -3 to 3."""
    left, top, right, bottom = box
    mask = Image.new("L", (right - left, bottom - top), 128)
    draw = ImageDraw.Draw(mask)
    for fold in folds:
        points = [(x - left, y - top) for x, y in fold.spine]
        draw.polygon(_taper(points, fold.width), fill=int(128 + 60 * max(-2, min(2, fold.depth))))
    width = sum(fold.width for fold in folds) / max(1, len(folds))
    height = (np.asarray(mask, dtype=np.float32) - np.float32(128)) / np.float32(60)
    return blur(height, max(1.5, width * 0.42)) * np.float32(max(1.5, width * 0.55))


def _taper(points: Sequence[Point], width: float) -> list[Point]:
    """Returns a spine as a leaf: full in its first half, nothing at its end."""
    one: list[Point] = []
    two: list[Point] = []
    last = len(points) - 1
    for at, (x, y) in enumerate(points):
        before, after = points[max(0, at - 1)], points[min(last, at + 1)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        norm = float(np.hypot(dx, dy)) or 1.0
        half = width / 2 * (1 - at / last) ** 0.7
        one.append((x - dy / norm * half, y + dx / norm * half))
        two.append((x + dy / norm * half, y - dx / norm * half))
    return one + two[::-1]


def light_of(
    part: Part, cover: FloatImage, box: Box, rng: np.random.Generator
) -> tuple[FloatImage, FloatImage, FloatImage]:
    """Returns the light on a piece (about 1), its highlight (about 0), and the folds' height."""
    solid = float(cover.sum())
    shortest = min(cover.shape) - 2 * PAD
    round_px = float(np.clip(min(np.sqrt(solid) * 0.16, shortest * 0.3), 1.5, 16.0))
    body = blur(cover, round_px)
    edge = blur(cover, min(2.0, round_px))
    height = body * np.float32(2.0 * part.puff * round_px) + edge * np.float32(1.5 * part.puff)
    if part.folds:
        folds = relief(part.folds, box)
    else:
        folds = np.zeros_like(cover)
    if solid > 3000 and part.puff:
        height = height + noise(rng, cover.shape, (22.0, 34.0)) * np.float32(0.8 * part.puff)
    height = height + folds
    gy, gx = np.gradient(height)
    scale = 1.0 / np.sqrt(1.0 + gx * gx + gy * gy)
    lambert = (-gx * _LIGHT[0] - gy * _LIGHT[1] + _LIGHT[2]) * scale
    shade = 1.0 + 0.72 * (lambert / _LIGHT[2] - 1.0)
    # Less of the sky reaches the sides and the valleys.
    shade = shade * (0.80 + 0.20 * np.clip(body * 1.25, 0.0, 1.0))
    shade = shade + 0.035 * np.clip(folds, -2.0, 2.0)
    half_way = (-gx * -0.22 - gy * -0.30 + 0.93) * scale
    shine = np.clip(half_way, 0.0, 1.0) ** 24 * part.gloss
    return (
        np.clip(shade, 0.42, 1.22).astype(np.float32) * np.float32(part.tone),
        shine.astype(np.float32),
        folds,
    )
