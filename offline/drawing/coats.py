"""Draws coats."""

from itertools import pairwise

import numpy as np

from offline.drawing.cut import Cut
from offline.drawing.outline import (
    CENTRE,
    Drawing,
    Item,
    Outline,
    Part,
    both,
    path,
)
from offline.drawing.tailoring import tailored
from offline.drawing.tops import sleeve_of, torso_of
from offline.drawing.torso import back, body_outline, sleeve_part


def coat(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws an overcoat, a trench coat with a belt, or a puffer coat."""
    if cut.model == "puffer":
        return _puffer(cut, rng)
    drawing = tailored(cut, rng, hem_y=236.0, buttons=3, break_y=118.0)
    if cut.model != "trench":
        return drawing
    y = 142.0
    x = 45.0 if cut.gender == "women" else 50.0
    belt = path(
        f"M {CENTRE - x} {y - 6} Q {CENTRE} {y - 1} {CENTRE + x} {y - 6} L {CENTRE + x} {y + 4} "
        f"Q {CENTRE} {y + 9} {CENTRE - x} {y + 4} Z"
    )
    end = path(
        f"M {CENTRE + 12} {y + 3} L {CENTRE + 21} {y + 2} L {CENTRE + 25} {y + 34} L "
        f"{CENTRE + 17} {y + 37} Z"
    )
    buckle = path(
        f"M {CENTRE + 3} {y - 7} L {CENTRE + 17} {y - 7} L {CENTRE + 17} {y + 9} L {CENTRE + 3} "
        f"{y + 9} Z"
    )
    return (
        *drawing,
        Part(end, "deep", patterned=False, puff=0.6, lift=0.8),
        Part(belt, "deep", patterned=False, puff=0.6, lift=1.0),
        Part((*buckle, buckle[0]), "leather", patterned=False, stroke=2.2, puff=0.5, lift=0.6),
    )


def _puffer(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a quilted coat: each chamber is a piece of its own."""
    torso = torso_of(cut, rng, hem_y=222.0)
    front = body_outline(torso)
    sleeve = sleeve_of(cut, rng)
    arm = sleeve_part(torso, sleeve)
    tip, outer, inner, pit = sleeve.frame(torso)
    arms: list[Item] = [arm]
    for number in range(6):
        share, to = number / 6, (number + 1) / 6
        ends = [
            (a[0] + (b[0] - a[0]) * s, a[1] + (b[1] - a[1]) * s)
            for a, b, s in (
                (tip, outer, share),
                (pit, inner, share),
                (pit, inner, to),
                (tip, outer, to),
            )
        ]
        wide = (
            (ends[0][0] - 8, ends[0][1]),
            (ends[1][0] + 10, ends[1][1] + 2),
            (ends[2][0] + 10, ends[2][1] + 2),
            (ends[3][0] - 8, ends[3][1]),
        )
        arms.append(
            Part(wide, clip=arm.outline, puff=1.5, lift=0.3, gloss=0.18, angle=sleeve.angle)
        )
    items: list[Item] = [back(torso), *both(arms), Part(front, puff=0.6)]
    edges = np.linspace(torso.top - 4, torso.hem_y + 6, 9)
    for y, to_y in pairwise(edges):
        items.append(
            Part(_chamber(float(y), float(to_y)), clip=front, puff=1.5, lift=0.35, gloss=0.18)
        )
    for y, to_y in zip((22.0, 32.0), (33.0, 43.0), strict=True):
        neck = path(
            f"M {CENTRE - 21} {y} Q {CENTRE} {y + 3} {CENTRE + 21} {y} Q {CENTRE + 25} "
            f"{(y + to_y) / 2} "
            f"{CENTRE + 22} {to_y} Q {CENTRE} {to_y + 4} {CENTRE - 22} {to_y} Q {CENTRE - 25} "
            f"{(y + to_y) / 2} {CENTRE - 21} {y} Z"
        )
        items.append(Part(neck, puff=1.4, lift=0.6, gloss=0.18))
    items.append(
        Part(
            path(f"M {CENTRE} 30 L {CENTRE} {torso.hem_y + 2}"),
            "metal",
            patterned=False,
            stroke=2.0,
            lift=0.8,
        )
    )
    return tuple(items)


def _chamber(y: float, to_y: float) -> Outline:
    return path(
        f"M {CENTRE - 70} {y} Q {CENTRE} {y + 7} {CENTRE + 70} {y} L {CENTRE + 70} {to_y} Q "
        f"{CENTRE} {to_y + 7} {CENTRE - 70} {to_y} Z"
    )
