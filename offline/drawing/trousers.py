"""Draws jeans, trousers and shorts."""

import numpy as np

from offline.drawing.cut import Cut
from offline.drawing.legs import Legs, fly, hem_stitch, legs_of, outseam, waistband
from offline.drawing.outline import CENTRE, Drawing, Item, Part, Seam, both, button, path


def jeans(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws jeans with stitches, rivets and a fly."""
    legs = legs_of(cut, rng, hem_y=240.0 - (26.0 if cut.length == "cropped" else 0.0))
    y, x = legs.top, legs.waist
    items: list[Item] = [Part(legs.outline(), texture="twill", folds=legs.folds(rng, 1.0))]
    items += fly(legs)
    pocket = path(
        f"M {CENTRE - x * 0.42} {y + 14} C {CENTRE - x * 0.45} {y + 27} {CENTRE - x * 0.8} "
        f"{y + 33} {CENTRE - legs.hip + 4} {y + 33}"
    )
    shifted = tuple((px, py + 2.2) for px, py in pocket)
    sides = [Seam(pocket, 1.1, 0.42), Seam(shifted, 0.7, -0.25, dash=2.2)]
    items += both([*sides, button(CENTRE - x * 0.44, y + 16, 1.1, "metal"), *outseam(legs)])
    if legs.ankle > 15:
        items += both([hem_stitch(legs)])
    items += waistband(legs, texture="twill", loops=True)
    items.append(button(CENTRE, y + 9, 2.5, "metal"))
    return tuple(items)


def trousers(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws trousers with a pressed crease and slanted pockets, or joggers with a cord."""
    legs = legs_of(cut, rng, hem_y=240.0 - (26.0 if cut.length == "cropped" else 0.0))
    y, x = legs.top, legs.waist
    items: list[Item] = [Part(legs.outline(), texture=cut.texture, folds=legs.folds(rng, 0.7))]
    foot = CENTRE - legs.inner - legs.stance - legs.ankle / 2
    knee_y = legs.crotch_y + (legs.hem_y - legs.crotch_y) * 0.45
    slant = Seam(
        path(f"M {CENTRE - x * 0.66} {y + 13} L {CENTRE - legs.hip + 3} {y + 42}"), 1.1, 0.4
    )
    if cut.model == "jogger" or cut.fit == "relaxed":
        items += both([slant, hem_stitch(legs)])
        items += waistband(legs, texture="rib", loops=False)
        items += both(
            [
                Part(
                    path(f"M {CENTRE - 2} {y + 10} Q {CENTRE - 7} {y + 22} {CENTRE - 5} {y + 34}"),
                    "lace",
                    stroke=1.8,
                    patterned=False,
                    puff=0.6,
                    lift=0.6,
                )
            ]
        )
        return tuple(items)
    crease = path(
        f"M {CENTRE - x * 0.5} {y + 18} Q {CENTRE - legs.hip * 0.56} {knee_y} {foot} "
        f"{legs.hem_y + 2}"
    )
    items += both([slant, Seam(crease, 1.0, 0.24)])
    items.append(Seam(path(f"M {CENTRE} {y + 14} L {CENTRE} {legs.crotch_y}"), 1.0, 0.35))
    items += waistband(legs, texture=cut.texture, loops=cut.gender != "women")
    return tuple(items)


def shorts(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws shorts: tailored with turn-ups, or with a cord."""
    woman = cut.gender == "women"
    ease = float(rng.uniform(-2, 2))
    long = cut.length == "knee"
    legs = Legs(
        62.0,
        (42.0 if woman else 46.0) + ease,
        56.0 + ease,
        140.0,
        60.0 + ease,
        50.0 + ease,
        3.0,
        200.0 if long else 172.0,
        8.0,
    )
    y, x = legs.top, legs.waist
    items: list[Item] = [Part(legs.outline(), texture=cut.texture, folds=legs.folds(rng, 0.9))]
    items += both(
        [Seam(path(f"M {CENTRE - x * 0.66} {y + 13} L {CENTRE - legs.hip + 3} {y + 44}"), 1.1, 0.4)]
    )
    if cut.model == "drawstring":
        items += both([hem_stitch(legs)])
        items += waistband(legs, texture="rib", loops=False)
        items += both(
            [
                Part(
                    path(f"M {CENTRE - 2} {y + 10} Q {CENTRE - 9} {y + 24} {CENTRE - 6} {y + 40}"),
                    "lace",
                    stroke=2.2,
                    patterned=False,
                    puff=0.6,
                    lift=0.6,
                )
            ]
        )
        return tuple(items)
    foot = CENTRE - legs.inner - legs.stance
    turn = path(
        f"M {foot - legs.ankle - 1.5} {legs.hem_y - 11} Q {foot - legs.ankle / 2} "
        f"{legs.hem_y - 7} {foot + 0.5} {legs.hem_y - 10} "
        f"L {foot + 1.5} {legs.hem_y + 1} Q {foot - legs.ankle / 2} {legs.hem_y + 4.5} "
        f"{foot - legs.ankle - 1} {legs.hem_y} Z"
    )
    items += both([Part(turn, texture=cut.texture, puff=0.6, lift=0.5)])
    items += fly(legs)
    items += waistband(legs, texture=cut.texture, loops=True)
    items.append(button(CENTRE, y + 9, 2.4, "metal" if cut.texture == "twill" else "button"))
    return tuple(items)
