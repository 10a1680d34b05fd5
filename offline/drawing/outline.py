"""Describes what a drawing is made of: outlines, parts, seams and folds, on a 256 unit square."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

SIZE = 256
CENTRE = SIZE / 2

Point = tuple[float, float]
Outline = tuple[Point, ...]

_TOKEN = re.compile(r"[MLQCZ]|-?\d+(?:\.\d+)?(?:e-?\d+)?")
_ARITY = {"M": 1, "L": 1, "Q": 2, "C": 3}
_STEPS = 14


@dataclass(frozen=True, slots=True)
class Fold:
    """A soft crease: a spine whose width fades to its end; ``depth`` < 0 is a valley."""

    spine: Outline
    width: float = 6.0
    depth: float = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a garment, painted over the pieces before it.

    ``role`` names a colour of the palette; ``angle`` turns the grain of pattern and texture, in
    degrees from upright; ``puff`` scales how round the piece is, ``lift`` the shadow it casts,
    ``gloss`` its highlight (0 to 1). ``stroke`` > 0 draws the outline as a line of that width.
    ``clip`` keeps the piece inside another outline; ``tone`` is a last lightening of the piece.
    """

    outline: Outline
    role: str = "main"
    patterned: bool = True
    texture: str = ""
    angle: float = 0.0
    puff: float = 1.0
    lift: float = 1.0
    gloss: float = 0.0
    stroke: float = 0.0
    tone: float = 1.0
    soften: float = 1.2
    clip: Outline = ()
    folds: tuple[Fold, ...] = ()


@dataclass(frozen=True, slots=True)
class Seam:
    """A line that darkens what lies below it, with a light side; ``dash`` > 0 makes stitches."""

    spine: Outline
    width: float = 0.9
    depth: float = 0.35
    dash: float = 0.0


Item = Part | Seam
Drawing = tuple[Item, ...]


def path(spec: str) -> Outline:
    """Flattens an SVG-like path of the absolute commands M, L, Q, C and Z."""
    points: list[Point] = []
    for command, numbers in _commands(spec):
        if command == "Z":
            continue
        for at in range(0, len(numbers), 2 * _ARITY[command]):
            pairs = [(numbers[i], numbers[i + 1]) for i in range(at, at + 2 * _ARITY[command], 2)]
            points.extend(pairs if len(pairs) == 1 else _bezier([points[-1], *pairs]))
    return tuple(points)


def _commands(spec: str) -> Iterator[tuple[str, list[float]]]:
    command, numbers = "", list[float]()
    for token in _TOKEN.findall(spec):
        if token.isalpha():
            if command:
                yield command, numbers
            command, numbers = token, []
        else:
            numbers.append(float(token))
    if command:
        yield command, numbers


def _bezier(controls: Sequence[Point]) -> list[Point]:
    t = np.linspace(0.0, 1.0, _STEPS + 1)[1:, None]
    rows = [np.asarray(control, dtype=np.float64)[None, :] for control in controls]
    while len(rows) > 1:  # de Casteljau
        rows = [first * (1 - t) + second * t for first, second in pairwise(rows)]
    return [(float(x), float(y)) for x, y in rows[0]]


def flip(outline: Outline) -> Outline:
    """Mirrors an outline at the upright middle line."""
    return tuple((2 * CENTRE - x, y) for x, y in outline)


def mirror(half: Outline) -> Outline:
    """Closes a left half, drawn from top to bottom, with its mirror image."""
    return half + tuple(reversed(flip(half)))


def flip_part(part: Part) -> Part:
    """Mirrors a piece with its grain and folds."""
    return Part(
        outline=flip(part.outline),
        role=part.role,
        patterned=part.patterned,
        texture=part.texture,
        angle=-part.angle,
        puff=part.puff,
        lift=part.lift,
        gloss=part.gloss,
        stroke=part.stroke,
        tone=part.tone,
        soften=part.soften,
        clip=flip(part.clip),
        folds=tuple(Fold(flip(fold.spine), fold.width, fold.depth) for fold in part.folds),
    )


def flip_items(items: Sequence[Item]) -> Drawing:
    """Mirrors pieces and seams."""
    return tuple(
        flip_part(item)
        if isinstance(item, Part)
        else Seam(flip(item.spine), item.width, item.depth, item.dash)
        for item in items
    )


def both(items: Sequence[Item]) -> Drawing:
    """Returns the items of the left side and their mirror images."""
    return (*items, *flip_items(items))


def circle(x: float, y: float, radius: float, squash: float = 1.0) -> Outline:
    """Returns an ellipse, ``squash`` times as high as it is wide."""
    t = np.linspace(0.0, 2 * np.pi, 28, endpoint=False)
    return tuple((float(x + radius * np.cos(a)), float(y + radius * squash * np.sin(a))) for a in t)


def button(x: float, y: float, radius: float = 2.1, role: str = "button") -> Part:
    """Returns a small round button."""
    return Part(
        circle(x, y, radius), role, patterned=False, puff=0.8, lift=0.5, gloss=0.3, soften=0.0
    )
