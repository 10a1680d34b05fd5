"""Draws scarves."""

import numpy as np

from offline.drawing.cut import Cut
from offline.drawing.outline import (
    Drawing,
    Fold,
    Item,
    Part,
    path,
)


def scarf(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a scarf looped once with two hanging ends, fringed or plain."""
    sway = float(rng.uniform(-4, 4))
    left = path(
        f"M 96 92 C 88 120 84 160 {80 + sway} 222 Q 100 227 {120 + sway} 223 C 126 180 130 140 "
        "134 104 Z"
    )
    right = path(
        f"M 128 96 C 134 130 140 160 {146 + sway} 206 Q 166 210 {184 + sway} 204 C 178 160 170 "
        "124 160 88 Z"
    )
    loop = path(
        "M 66 82 C 60 56 92 34 128 34 C 166 34 198 56 190 84 C 184 106 158 122 128 122 C 98 122 "
        "72 106 66 82 Z"
    )
    hole = path(
        "M 90 63 C 94 52 110 48 128 48 C 148 48 164 52 168 63 C 160 72 146 75 128 75 C 110 75 96 "
        "72 90 63 Z"
    )
    drape = tuple(
        Fold(
            path(
                f"M {70 + 6 * n} {84 + 4 * n} Q 128 {112 + 5 * n - 26} {186 - 6 * n} {80 + 4 * n}"
            ),
            6,
            depth,
        )
        for n, depth in enumerate((0.9, -0.9, 0.9, -0.9))
    )
    items: list[Item] = []
    for outline, (x, to_x, y), lean in (
        (right, (146 + sway, 184 + sway, 205.0), 7.0),
        (left, (80 + sway, 120 + sway, 222.0), -3.0),
    ):
        if cut.model == "fringed":
            items += _fringe(x, to_x, y, rng)
        middle = (x + to_x) / 2
        folds = tuple(
            Fold(
                path(f"M {middle + shift} {y} Q {middle + shift} 150 {128 + shift * 0.6} 100"),
                8,
                depth,
            )
            for shift, depth in ((-11.0, 0.9), (0.0, -0.8), (11.0, 0.7))
        )
        items.append(
            Part(outline, texture=cut.texture, angle=lean, puff=0.8, lift=0.8, folds=folds)
        )
    items.append(Part(loop, texture=cut.texture, angle=90, puff=1.2, lift=1.0, folds=drape))
    items.append(Part(hole, "deep", patterned=False, puff=-0.7, lift=0.0, tone=0.82))
    return tuple(items)


def _fringe(x: float, to_x: float, y: float, rng: np.random.Generator) -> Drawing:
    items: list[Item] = []
    for place in np.linspace(x + 2, to_x - 2, 9):
        end = float(place) + float(rng.uniform(-1.5, 1.5))
        items.append(
            Part(
                path(f"M {place} {y - 1} L {end} {y + 15 + float(rng.uniform(-1.5, 1.5))}"),
                patterned=False,
                stroke=2.2,
                puff=0.9,
                lift=0.3,
            )
        )
    return tuple(items)
