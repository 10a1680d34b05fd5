"""Draws jackets."""

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
    path,
)
from offline.drawing.tailoring import arms, tailored
from offline.drawing.tops import collar, sleeve_of, torso_of
from offline.drawing.torso import Torso, back, body_folds, body_outline, cuff, sleeve_part


def jacket(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a blazer, a denim jacket, a bomber or a biker jacket."""
    if cut.model == "blazer":
        return tailored(cut, rng, hem_y=204.0, buttons=2, break_y=132.0)
    torso = torso_of(cut, rng, hem_y=186.0)
    gloss = 0.5 if cut.texture == "leather" else 0.0
    if cut.model == "denim":
        return _denim(cut, torso, rng)
    return _zipped(cut, torso, rng, gloss)


def _denim(cut: Cut, torso: Torso, rng: np.random.Generator) -> Drawing:
    top, low = torso.top, torso.hem_y
    y = top + torso.dip
    band = path(
        f"M {CENTRE - torso.hem - 1} {low - 10} Q {CENTRE} {low - 5} {CENTRE + torso.hem + 1} "
        f"{low - 10} L {CENTRE + torso.hem} {low + 2} Q {CENTRE} {low + 7} {CENTRE - torso.hem} "
        f"{low + 2} Z"
    )
    flap = path(
        f"M {CENTRE - 35} {top + 44} L {CENTRE - 11} {top + 46} L {CENTRE - 11} {top + 54} "
        f"L {CENTRE - 23} {top + 59} L {CENTRE - 35} {top + 52} Z"
    )
    seams = [
        Seam(
            path(f"M {CENTRE - 44} {top + 42} Q {CENTRE - 20} {top + 45} {CENTRE - 4} {top + 45}"),
            1.0,
            0.35,
        ),
        Seam(path(f"M {CENTRE - 33} {top + 58} L {CENTRE - 25} {low - 10}"), 0.9, 0.35),
        Seam(path(f"M {CENTRE - 13} {top + 58} L {CENTRE - 16} {low - 10}"), 0.9, 0.35),
    ]
    items: list[Item] = [
        back(torso),
        *arms(cut, torso, rng, band=11.0),
        Part(body_outline(torso), texture=cut.texture, folds=body_folds(torso, rng, depth=0.8)),
        *both(
            [
                *seams,
                Part(flap, texture=cut.texture, puff=0.5, lift=0.6),
                button(CENTRE - 23, top + 54, 1.7, "metal"),
            ]
        ),
        Part(
            path(f"M {CENTRE} {y} L {CENTRE} {low}"),
            texture=cut.texture,
            stroke=10.0,
            puff=0.35,
            lift=0.5,
        ),
        Part(band, texture=cut.texture, puff=0.5, lift=0.5),
        *collar(torso, spread=18.0),
    ]
    for at in np.linspace(y + 7, low - 4, 6):
        items.append(button(CENTRE, float(at), 1.9, "metal"))
    return tuple(items)


def _zipped(cut: Cut, torso: Torso, rng: np.random.Generator, gloss: float) -> Drawing:
    """Draws a bomber (ribbed ends) or a biker jacket (lapels, slanted zip)."""
    top, low = torso.top, torso.hem_y
    biker = cut.model == "biker"
    sleeve = sleeve_of(cut, rng)
    end = cuff(torso, sleeve, 11.0, flare=-1.0)
    arm: list[Item] = [sleeve_part(torso, sleeve, texture=cut.texture, gloss=gloss)]
    if not biker:
        arm.append(Part(end, "deep", patterned=False, texture="rib", angle=sleeve.angle, lift=0.3))
    front = body_outline(torso)
    items: list[Item] = [
        back(torso),
        *both(arm),
        Part(front, texture=cut.texture, gloss=gloss, folds=body_folds(torso, rng, depth=1.2)),
    ]
    x = CENTRE + (14 if biker else 0)
    zip_line = path(
        f"M {x} {top + torso.dip + (22 if biker else 0)} L {CENTRE + (4 if biker else 0)} {low}"
    )
    if biker:
        lapel = path(
            f"M {CENTRE - 17} {top - 3} L {CENTRE - 27} {top + 10} L {CENTRE - 38} {top + 36} "
            f"L {CENTRE - 12} {top + 58} L {CENTRE - 2} {top + 34} Z"
        )
        wide = path(
            f"M {CENTRE + 17} {top - 3} L {CENTRE + 27} {top + 10} L {CENTRE + 41} {top + 34} "
            f"L {CENTRE + 16} {top + 66} L {CENTRE + 2} {top + 30} Z"
        )
        items += [
            Part(shape, texture=cut.texture, gloss=gloss, puff=0.6) for shape in (lapel, wide)
        ]
        items += both(
            [
                Part(
                    path(f"M {CENTRE - 36} {low - 38} L {CENTRE - 17} {low - 46}"),
                    "metal",
                    stroke=1.8,
                    patterned=False,
                    lift=0.3,
                )
            ]
        )
        band = path(
            f"M {CENTRE - torso.hem} {low - 8} Q {CENTRE} {low - 3} {CENTRE + torso.hem} {low - 8}"
        )
        items.append(Seam(band, 1.0, 0.4))
    else:
        band = path(
            f"M {CENTRE - torso.hem - 1} {low - 12} Q {CENTRE} {low - 7} {CENTRE + torso.hem + 1} "
            f"{low - 12} "
            f"L {CENTRE + torso.hem - 3} {low + 4} Q {CENTRE} {low + 9} {CENTRE - torso.hem + 3} "
            f"{low + 4} Z"
        )
        items.append(Part(band, "deep", patterned=False, texture="rib", puff=0.8, lift=0.4))
        rail = path(
            f"M {CENTRE - torso.neck} {top - 1} C {CENTRE - torso.neck} {top + 9} {CENTRE - 10} "
            f"{top + torso.dip} "
            f"{CENTRE} {top + torso.dip} C {CENTRE + 10} {top + torso.dip} {CENTRE + torso.neck} "
            f"{top + 9} {CENTRE + torso.neck} {top - 1}"
        )
        items.append(
            Part(rail, "deep", patterned=False, stroke=7.0, texture="rib", puff=0.8, lift=0.5)
        )
        slit = Part(
            path(f"M {CENTRE - 34} {low - 30} L {CENTRE - 22} {low - 52}"),
            "deep",
            stroke=3.0,
            patterned=False,
            puff=0.4,
            lift=0.3,
        )
        items += both([slit])
    items.append(Part(zip_line, "metal", patterned=False, stroke=2.0, puff=0.6, lift=0.7))
    items.append(Seam(zip_line, 2.2, 0.4, dash=1.6))
    return tuple(items)
