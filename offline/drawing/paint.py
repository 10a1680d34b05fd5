"""Paints a drawing: its shape and light once, then its colours for each variant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from offline.drawing.outline import SIZE, Drawing, Part, Seam
from offline.drawing.patterns import PATTERN_ROLES, flower_tile, grain, pattern, texture
from offline.drawing.shading import SUPERSAMPLE, Box, FloatImage, blur, coverage, light_of, part_box

Colour = tuple[float, float, float]  # red, green, blue, 0 to 1
Palette = Mapping[str, Colour]

GROUND = np.array((0.957, 0.953, 0.945), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Layer:
    """A piece ready to be coloured: where it lies, what it covers, how it is lit.

    ``cover``, ``light``, ``shine`` and ``shadow`` are [h, w]; ``shares`` is [3, h, w], empty
    where the piece is plain.
    """

    role: str
    box: Box
    cover: FloatImage
    light: FloatImage
    shine: FloatImage
    shadow: FloatImage
    shares: FloatImage | None


@dataclass(frozen=True, slots=True)
class Form:
    """Everything of a style that its colour variants share."""

    ground: FloatImage
    layers: tuple[Layer, ...]
    silhouette: FloatImage


def form(drawing: Drawing, *, cloth: str, variety: int, seed: int) -> Form:
    """Shapes and lights a drawing.

    Args:
        drawing: The pieces, from the back to the front.
        cloth: The pattern of the patterned pieces.
        variety: Which of the pattern's kinds.
        seed: Of the small irregularities.
    """
    rng = np.random.default_rng(seed)
    tile = flower_tile(rng) if cloth == "floral" else np.zeros((3, 1, 1), dtype=np.float32)
    layers: list[Layer] = []
    for item in drawing:
        if isinstance(item, Seam):
            _sew(item, layers)
        else:
            layers.append(_layer(item, cloth if item.patterned else "plain", variety, tile, rng))
    silhouette = np.zeros((SIZE, SIZE), dtype=np.float32)
    for layer in layers:
        window = _window(silhouette, layer.box)
        np.maximum(window, layer.cover, out=window)
    return Form(_ground(silhouette), tuple(layers), silhouette)


def _layer(
    part: Part, cloth: str, variety: int, tile: FloatImage, rng: np.random.Generator
) -> Layer:
    box = part_box(part, SIZE)
    cover = coverage(part, box)
    light, shine, folds = light_of(part, cover, box, rng)
    shares: FloatImage | None = None
    if part.texture or cloth != "plain":
        across, along = grain(box, part.angle, folds)
        if part.texture:
            light = light * texture(part.texture, across, along, rng)
        if cloth != "plain":
            shares = pattern(cloth, variety, across, along, tile)
    shadow = np.zeros_like(cover)
    if part.lift:
        soft = blur(cover, 2.2)
        shadow[2:, 1:] = soft[:-2, :-1] * np.float32(0.28 * part.lift)
        shadow += soft * np.float32(0.12 * part.lift)
    return Layer(part.role, box, cover, light, shine, shadow, shares)


def _sew(seam: Seam, layers: Sequence[Layer]) -> None:
    """Presses a seam into the light of every layer below it."""
    mask = Image.new("L", (SIZE * SUPERSAMPLE, SIZE * SUPERSAMPLE), 0)
    draw = ImageDraw.Draw(mask)
    points = [(x * SUPERSAMPLE, y * SUPERSAMPLE) for x, y in seam.spine]
    for run in _dashes(points, seam.dash * SUPERSAMPLE):
        draw.line(run, fill=255, width=max(1, round(seam.width * SUPERSAMPLE)), joint="curve")
    line = np.asarray(mask.reduce(SUPERSAMPLE), dtype=np.float32) / np.float32(255)
    factor = 1 - line * np.float32(seam.depth)
    factor[1:, 1:] += line[:-1, :-1] * np.float32(seam.depth * 0.3)
    for layer in layers:
        window = _window(factor, layer.box)
        layer.light[:] = layer.light * window


def _dashes(points: list[tuple[float, float]], dash: float) -> list[list[tuple[float, float]]]:
    if not dash:
        return [points]
    runs: list[list[tuple[float, float]]] = []
    travelled = 0.0
    for (x, y), (to_x, to_y) in pairwise(points):
        length = float(np.hypot(to_x - x, to_y - y))
        steps = max(1, int(length / (dash / 2)))
        for step in range(steps):
            one, two = step / steps, (step + 1) / steps
            if int((travelled + length * one) / dash) % 2 == 0:
                start = (x + (to_x - x) * one, y + (to_y - y) * one)
                runs.append([start, (x + (to_x - x) * two, y + (to_y - y) * two)])
        travelled += length
    return runs


def _ground(silhouette: FloatImage) -> FloatImage:
    """Returns the ground with the garment's soft shadow, [256, 256, 3]."""
    near, far = blur(silhouette, 3.0), blur(silhouette, 9.0)
    shadow = np.zeros_like(silhouette)
    shadow[3:, 2:] += near[:-3, :-2] * np.float32(0.16)
    shadow[8:, 4:] += far[:-8, :-4] * np.float32(0.17)
    # A shadow that the edge of the photo would cut fades before it.
    fade = np.clip((SIZE - 1 - np.arange(SIZE, dtype=np.float32)) / 12, 0.0, 1.0)
    shadow *= fade[:, None]
    return np.asarray(GROUND * (1 - shadow[..., None]), dtype=np.float32)


def colour(shape: Form, palette: Palette) -> npt.NDArray[np.uint8]:
    """Paints a form in the colours of a palette, [256, 256, 3] RGB."""
    canvas = shape.ground.copy()
    for layer in shape.layers:
        window = _window(canvas, layer.box)
        window *= (1 - layer.shadow)[..., None]
        dye = np.asarray(palette[layer.role], dtype=np.float32)
        cloth = dye * np.ones((*layer.cover.shape, 1), dtype=np.float32)
        if layer.shares is not None:
            for share, role in zip(layer.shares, PATTERN_ROLES, strict=True):
                cloth += share[..., None] * (np.asarray(palette[role], np.float32) - cloth)
        # Dark cloth shows its folds by what it reflects, not by what it absorbs.
        glow = np.clip(layer.light - 0.86, -0.2, 0.5) * np.float32(0.075) + layer.shine * 0.42
        lit = cloth * layer.light[..., None] + glow[..., None]
        window += layer.cover[..., None] * (lit - window)
    return np.asarray(np.clip(canvas * 255 + 0.5, 0, 255), dtype=np.uint8)


def _window(image: FloatImage, box: Box) -> FloatImage:
    left, top, right, bottom = box
    return image[top:bottom, left:right]
