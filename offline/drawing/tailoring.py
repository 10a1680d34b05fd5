"""Draws what closes below lapels: blazers, overcoats and trench coats."""

import numpy as np

from offline.drawing.cut import Cut
from offline.drawing.outline import (
    CENTRE,
    Drawing,
    Item,
    Part,
    Seam,
    both,
    button,
    mirror,
    path,
)
from offline.drawing.tops import sleeve_of, torso_of
from offline.drawing.torso import Torso, body_folds, body_outline, cuff, sleeve_part


def arms(cut: Cut, torso: Torso, rng: np.random.Generator, *, band: float = 0.0) -> Drawing:
    """Returns both sleeves, with a cuff where ``band`` is more than nothing."""
    sleeve = sleeve_of(cut, rng)
    arm: list[Item] = [sleeve_part(torso, sleeve, texture=cut.texture)]
    if band:
        outline = cuff(torso, sleeve, band, flare=0.4)
        arm.append(Part(outline, texture=cut.texture, angle=sleeve.angle, puff=0.6, lift=0.4))
    return both(arm)


def tailored(
    cut: Cut, rng: np.random.Generator, *, hem_y: float, buttons: int, break_y: float
) -> Drawing:
    """Draws a body that closes below lapels: a blazer or a coat."""
    torso = torso_of(cut, rng, hem_y=hem_y)
    front = body_outline(torso)
    top, neck = torso.top, torso.neck
    lining = mirror(
        path(
            f"M {CENTRE} {top + 2} Q {CENTRE - neck * 0.7} {top + 2} {CENTRE - neck - 1} {top - 4} "
            f"L {CENTRE - 14} {top + 30} L {CENTRE} {break_y + 2}"
        )
    )
    lapel = path(
        f"M {CENTRE - neck - 1} {top - 4} C {CENTRE - neck - 5} {top} {CENTRE - neck - 8} "
        f"{top + 6} "
        f"{CENTRE - neck - 10} {top + 12} L {CENTRE - 34} {top + 33} L {CENTRE - 28} {top + 36} "
        f"L {CENTRE - 36} {top + 42} Q {CENTRE - 26} {break_y - 26} {CENTRE + 1} {break_y} "
        f"L {CENTRE - 6} {break_y - 22} L {CENTRE - neck + 3} {top + 14} Z"
    )
    edge = path(
        f"M {CENTRE + 1} {break_y} L {CENTRE + 1} {torso.hem_y - 12} Q {CENTRE + 2} "
        f"{torso.hem_y} {CENTRE + 8} {torso.hem_y + 5}"
    )
    items: list[Item] = [
        *arms(cut, torso, rng),
        Part(front, texture=cut.texture, folds=body_folds(torso, rng, depth=0.8)),
        Part(lining, "inner", patterned=False, puff=0.1, lift=0.0, soften=0.4),
        *both(
            [
                Part(lapel, texture=cut.texture, angle=-18, puff=0.55, lift=1.1, soften=0.6),
                Seam(
                    path(f"M {CENTRE - 34} {top + 33} L {CENTRE - neck + 1} {top + 22}"), 0.8, 0.35
                ),
            ]
        ),
        Seam(edge, 1.1, 0.42),
    ]
    pocket_y = torso.waist_y + 18 if hem_y < 220 else torso.waist_y + 26
    flap = path(
        f"M {CENTRE - 36} {pocket_y + 2} L {CENTRE - 13} {pocket_y} L {CENTRE - 13} "
        f"{pocket_y + 8} L {CENTRE - 36} {pocket_y + 10} Z"
    )
    items += both([Part(flap, texture=cut.texture, puff=0.5, lift=0.6)])
    for number in range(buttons):
        items.append(button(CENTRE - 5, break_y + 7 + number * 22, 2.7))
    return tuple(items)
