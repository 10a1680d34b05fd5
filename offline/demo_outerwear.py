"""Draws jackets and coats."""

import numpy as np

from offline.demo_cut import Cut
from offline.demo_outline import (
    CENTRE,
    Drawing,
    Item,
    Outline,
    Part,
    Seam,
    both,
    button,
    mirror,
    path,
)
from offline.demo_tops import collar, sleeve_of, torso_of
from offline.demo_torso import Torso, back, body_folds, body_outline, cuff, sleeve_part


def jacket(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a blazer, a denim jacket, a bomber or a biker jacket."""
    if cut.model == "blazer":
        return _tailored(cut, rng, hem_y=204.0, buttons=2, break_y=132.0)
    torso = torso_of(cut, rng, hem_y=186.0)
    gloss = 0.5 if cut.texture == "leather" else 0.0
    if cut.model == "denim":
        return _denim(cut, torso, rng)
    return _zipped(cut, torso, rng, gloss)


def coat(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws an overcoat, a trench coat with a belt, or a puffer coat."""
    if cut.model == "puffer":
        return _puffer(cut, rng)
    drawing = _tailored(cut, rng, hem_y=236.0, buttons=3, break_y=118.0)
    if cut.model != "trench":
        return drawing
    y = 142.0
    x = 45.0 if cut.gender == "women" else 50.0
    belt = path(
        f"M {CENTRE - x} {y - 6} Q {CENTRE} {y - 1} {CENTRE + x} {y - 6} L {CENTRE + x} {y + 4} "
        f"Q {CENTRE} {y + 9} {CENTRE - x} {y + 4} Z"
    )
    end = path(
        f"M {CENTRE + 12} {y + 3} L {CENTRE + 21} {y + 2} L {CENTRE + 25} {y + 34} L {CENTRE + 17} {y + 37} Z"
    )
    buckle = path(
        f"M {CENTRE + 3} {y - 7} L {CENTRE + 17} {y - 7} L {CENTRE + 17} {y + 9} L {CENTRE + 3} {y + 9} Z"
    )
    return (
        *drawing,
        Part(end, "deep", patterned=False, puff=0.6, lift=0.8),
        Part(belt, "deep", patterned=False, puff=0.6, lift=1.0),
        Part((*buckle, buckle[0]), "leather", patterned=False, stroke=2.2, puff=0.5, lift=0.6),
    )


def _arms(cut: Cut, torso: Torso, rng: np.random.Generator, band: float, gloss: float) -> Drawing:
    sleeve = sleeve_of(cut, rng)
    arm: list[Item] = [sleeve_part(torso, sleeve, texture=cut.texture, gloss=gloss)]
    if band:
        outline = cuff(torso, sleeve, band, flare=0.4)
        arm.append(
            Part(outline, texture=cut.texture, angle=sleeve.angle, puff=0.6, lift=0.4, gloss=gloss)
        )
    return both(arm)


def _tailored(
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
        f"M {CENTRE - neck - 1} {top - 4} C {CENTRE - neck - 5} {top} {CENTRE - neck - 8} {top + 6} "
        f"{CENTRE - neck - 10} {top + 12} L {CENTRE - 34} {top + 33} L {CENTRE - 28} {top + 36} "
        f"L {CENTRE - 36} {top + 42} Q {CENTRE - 26} {break_y - 26} {CENTRE + 1} {break_y} "
        f"L {CENTRE - 6} {break_y - 22} L {CENTRE - neck + 3} {top + 14} Z"
    )
    edge = path(
        f"M {CENTRE + 1} {break_y} L {CENTRE + 1} {torso.hem_y - 12} Q {CENTRE + 2} "
        f"{torso.hem_y} {CENTRE + 8} {torso.hem_y + 5}"
    )
    items: list[Item] = [
        *_arms(cut, torso, rng, 0.0, 0.0),
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


def _denim(cut: Cut, torso: Torso, rng: np.random.Generator) -> Drawing:
    top, low = torso.top, torso.hem_y
    y = top + torso.dip
    band = path(
        f"M {CENTRE - torso.hem - 1} {low - 10} Q {CENTRE} {low - 5} {CENTRE + torso.hem + 1} "
        f"{low - 10} L {CENTRE + torso.hem} {low + 2} Q {CENTRE} {low + 7} {CENTRE - torso.hem} {low + 2} Z"
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
        *_arms(cut, torso, rng, 11.0, 0.0),
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
            f"M {CENTRE - torso.hem - 1} {low - 12} Q {CENTRE} {low - 7} {CENTRE + torso.hem + 1} {low - 12} "
            f"L {CENTRE + torso.hem - 3} {low + 4} Q {CENTRE} {low + 9} {CENTRE - torso.hem + 3} {low + 4} Z"
        )
        items.append(Part(band, "deep", patterned=False, texture="rib", puff=0.8, lift=0.4))
        rail = path(
            f"M {CENTRE - torso.neck} {top - 1} C {CENTRE - torso.neck} {top + 9} {CENTRE - 10} {top + torso.dip} "
            f"{CENTRE} {top + torso.dip} C {CENTRE + 10} {top + torso.dip} {CENTRE + torso.neck} {top + 9} {CENTRE + torso.neck} {top - 1}"
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
    for y, to_y in zip(edges[:-1], edges[1:], strict=True):
        items.append(
            Part(_chamber(float(y), float(to_y)), clip=front, puff=1.5, lift=0.35, gloss=0.18)
        )
    for y, to_y in zip((22.0, 32.0), (33.0, 43.0), strict=True):
        neck = path(
            f"M {CENTRE - 21} {y} Q {CENTRE} {y + 3} {CENTRE + 21} {y} Q {CENTRE + 25} {(y + to_y) / 2} "
            f"{CENTRE + 22} {to_y} Q {CENTRE} {to_y + 4} {CENTRE - 22} {to_y} Q {CENTRE - 25} {(y + to_y) / 2} {CENTRE - 21} {y} Z"
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
        f"M {CENTRE - 70} {y} Q {CENTRE} {y + 7} {CENTRE + 70} {y} L {CENTRE + 70} {to_y} Q {CENTRE} {to_y + 7} {CENTRE - 70} {to_y} Z"
    )
