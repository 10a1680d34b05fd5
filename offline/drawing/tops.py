"""Draws T-shirts, shirts and knitwear."""

import numpy as np

from offline.drawing.cut import Cut
from offline.drawing.outline import (
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
from offline.drawing.torso import (
    Sleeve,
    Torso,
    back,
    body_folds,
    body_outline,
    cuff,
    half_neck,
    hem_line,
    neckband,
    sleeve_part,
)

_EASE = {"slim": -3.0, "regular": 0.0, "relaxed": 5.0}


def torso_of(cut: Cut, rng: np.random.Generator, *, hem_y: float = 206.0) -> Torso:
    """Returns the body that fits a cut: narrower and waisted for women, wider when relaxed."""
    ease = _EASE[cut.fit] + float(rng.uniform(-1.5, 1.5))
    woman = cut.gender == "women"
    neck = {"crew": 17.0, "v-neck": 18.0, "scoop": 24.0}.get(cut.neckline, 16.0)
    dip = {"crew": 12.0, "v-neck": 38.0, "scoop": 30.0}.get(cut.neckline, 11.0)
    base = 42.0 if woman else 47.0
    return Torso(
        top=38.0 + float(rng.uniform(-1, 1)),
        neck=neck,
        shoulder=base + 2 + ease * 0.8,
        chest=base + ease,
        waist=base - (6 if woman else 1) + ease,
        hem=base + ease + (0 if woman else 0.5),
        hem_y=hem_y + float(rng.uniform(-4, 4)),
        dip=dip + float(rng.uniform(-2, 2)),
        pointed=cut.neckline == "v-neck",
    )


def sleeve_of(cut: Cut, rng: np.random.Generator) -> Sleeve:
    """Returns a left sleeve of the cut's length."""
    wide = _EASE[cut.fit] * 0.5
    if cut.sleeve == "short":
        return Sleeve(39 + float(rng.uniform(-3, 3)), 34, 31 + wide, bow=1.0)
    return Sleeve(142 + float(rng.uniform(-4, 4)), 13, 20 + wide)


def t_shirt(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a T-shirt, or a tank top when it is sleeveless."""
    torso = torso_of(cut, rng, hem_y=178.0 if cut.length == "cropped" else 208.0)
    if cut.sleeve == "sleeveless":
        return _tank(torso, rng)
    sleeve = sleeve_of(cut, rng)
    end = cuff(torso, sleeve, 5.0)
    arm = sleeve_part(torso, sleeve)
    items: list[Item] = [back(torso), *both([arm, Seam((end[0], *end[-14:]), 0.8, 0.25)])]
    items += [
        Part(body_outline(torso), folds=body_folds(torso, rng)),
        Seam(hem_line(torso, up=6), 0.8, 0.25),
        *neckband(torso),
    ]
    if cut.model == "pocket":
        items += _chest_pocket(torso)
    return tuple(items)


def _tank(torso: Torso, rng: np.random.Generator) -> Drawing:
    strap, dip = torso.neck + 9, torso.dip + 12
    pit_x, pit_y = CENTRE - torso.chest + 1, torso.chest_y + 4
    outline = mirror(
        path(
            f"M {CENTRE} {torso.top + dip} C {CENTRE - 15} {torso.top + dip} "
            f"{CENTRE - torso.neck} {torso.top + dip * 0.6} {CENTRE - torso.neck} {torso.top}"
            f" L {CENTRE - strap} {torso.top + 2}"
            f" C {CENTRE - strap - 1} {torso.top + 30} {pit_x + 12} {pit_y - 8} {pit_x} {pit_y}"
            f" C {pit_x} {pit_y + 20} {CENTRE - torso.waist} {torso.waist_y - 16} "
            f"{CENTRE - torso.waist} {torso.waist_y}"
            f" C {CENTRE - torso.waist} {torso.waist_y + 22} {CENTRE - torso.hem} "
            f"{torso.hem_y - 26} {CENTRE - torso.hem} {torso.hem_y}"
            f" Q {CENTRE - 20} {torso.hem_y + 4} {CENTRE} {torso.hem_y + 4}"
        )
    )
    inner = mirror(
        path(
            f"M {CENTRE} {torso.top + 14} C {CENTRE - 12} {torso.top + 14} {CENTRE - torso.neck} "
            f"{torso.top + 10} {CENTRE - torso.neck - 1} {torso.top} L {CENTRE - strap + 2} "
            f"{torso.top + 1} L {CENTRE - strap + 4} {torso.top + 34} L {CENTRE - 8} "
            f"{torso.top + dip + 8} L {CENTRE} {torso.top + dip + 8}"
        )
    )
    return (
        Part(inner, "inner", patterned=False, puff=0.2, lift=0.2),
        Part(outline, folds=body_folds(torso, rng)),
        Seam(hem_line(torso, up=6), 0.8, 0.25),
        Seam(tuple((CENTRE + (x - CENTRE) * 1.10, y + 3) for x, y in outline[:15]), 0.7, 0.25),
        Seam(tuple((CENTRE + (x - CENTRE) * 1.10, y + 3) for x, y in outline[-15:]), 0.7, 0.25),
    )


def _chest_pocket(torso: Torso) -> Drawing:
    x, y = CENTRE + 10, torso.top + 46
    outline = path(
        f"M {x} {y} L {x + 20} {y} L {x + 20} {y + 18} L {x + 10} {y + 23} L {x} {y + 18} Z"
    )
    return (
        Part(outline, puff=0.35, lift=0.35),
        Seam(path(f"M {x} {y + 4} L {x + 20} {y + 4}"), 0.7, 0.25),
    )


def collar(torso: Torso, *, role: str = "main", spread: float = 24.0) -> Drawing:
    """Returns a turned-down collar with its stand and the opening between its points."""
    x, y = CENTRE - torso.neck, torso.top
    stand = mirror(
        path(
            f"M {CENTRE} {y + 1} Q {x + 6} {y + 1} {x} {y - 4} L {x - 3} {y + 4} "
            f"Q {x + 6} {y + 13} {CENTRE} {y + torso.dip + 1}"
        )
    )
    leaf = path(
        f"M {CENTRE - 1} {y + torso.dip} C {x + 8} {y + 9} {x + 2} {y + 3} {x + 1} {y - 6}"
        f" C {x - 3} {y - 3} {x - 6} {y + 2} {x - 8} {y + 6}"
        f" L {CENTRE - 15} {y + torso.dip + spread} Q {CENTRE - 7} {y + torso.dip + 10} "
        f"{CENTRE - 1} {y + torso.dip} Z"
    )
    edge = path(f"M {x - 5.5} {y + 6} L {CENTRE - 14.6} {y + torso.dip + spread - 4}")
    return (
        Part(stand, "inner", patterned=False, puff=0.2, lift=0.2),
        *both([Part(leaf, role, angle=28, puff=0.6, lift=0.8), Seam(edge, 0.6, 0.2)]),
    )


def shirt(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a shirt with a collar, a placket, cuffs and a curved hem."""
    torso = torso_of(cut, rng, hem_y=204.0)
    sleeve = sleeve_of(cut, rng)
    band = cuff(torso, sleeve, 15.0 if cut.sleeve == "long" else 6.0, flare=0.6)
    arm = [sleeve_part(torso, sleeve), Part(band, angle=sleeve.angle, puff=0.6, lift=0.4)]
    items: list[Item] = [*both(arm), Part(_tail(torso), folds=body_folds(torso, rng, depth=0.9))]
    y = torso.top + torso.dip
    placket = path(
        f"M {CENTRE - 5} {y} L {CENTRE + 5} {y} L {CENTRE + 5} {torso.hem_y + 7} "
        f"L {CENTRE - 5} {torso.hem_y + 7} Z"
    )
    items.append(Part(placket, puff=0.25, lift=0.3, clip=_tail(torso)))
    items.append(Seam(path(f"M {CENTRE - 3.6} {y} L {CENTRE - 3.6} {torso.hem_y + 6}"), 0.6, 0.2))
    yoke = path(
        f"M {CENTRE - 42} {torso.top + 27} Q {CENTRE} {torso.top + 31} {CENTRE + 42} "
        f"{torso.top + 27}"
    )
    items.append(Seam(yoke, 0.6, 0.16))
    if cut.model == "pocket":
        items += _chest_pocket(torso)
    items += collar(torso)
    for at in np.linspace(y + 8, torso.hem_y - 12, 7):
        items.append(button(CENTRE, float(at), 1.7))
    return tuple(items)


def _tail(torso: Torso) -> Outline:
    """Returns the front of a shirt, whose hem rises at the sides."""
    front = body_outline(torso)
    low = torso.hem_y
    return tuple(
        (
            x,
            y + 9 * np.cos(min(1.0, abs(x - CENTRE) / torso.hem) * np.pi / 2) - 5
            if y > low - 14
            else y,
        )
        for x, y in front
    )


def knitwear(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a jumper, a turtleneck or a cardigan with ribbed ends."""
    torso = torso_of(cut, rng, hem_y=200.0)
    sleeve = sleeve_of(cut, rng)
    band = cuff(torso, sleeve, 13.0, flare=-1.0)
    arm = [
        sleeve_part(torso, sleeve, texture=cut.texture),
        Part(band, patterned=False, texture="rib", angle=sleeve.angle, puff=0.8, lift=0.3),
    ]
    front = body_outline(torso)
    items: list[Item] = [back(torso), *both(arm)]
    items.append(
        Part(front, texture=cut.texture, folds=body_folds(torso, rng, depth=0.8), puff=1.15)
    )
    items.append(_rib_hem(torso))
    if cut.neckline == "turtleneck":
        items += _turtleneck(torso)
    elif cut.model == "cardigan":
        items += _button_band(torso)
    else:
        items += neckband(torso, width=6.0)
    return tuple(items)


def _rib_hem(torso: Torso) -> Part:
    x, y = torso.hem, torso.hem_y
    outline = path(
        f"M {CENTRE - x - 0.5} {y - 13} Q {CENTRE} {y - 8} {CENTRE + x + 0.5} {y - 13} "
        f"L {CENTRE + x - 2} {y + 3} Q {CENTRE} {y + 8} {CENTRE - x + 2} {y + 3} Z"
    )
    return Part(outline, patterned=False, texture="rib", puff=0.7, lift=0.3)


def _turtleneck(torso: Torso) -> Drawing:
    x, y = torso.neck + 1, torso.top
    tube = mirror(
        path(
            f"M {CENTRE} {y - 15} Q {CENTRE - x * 0.7} {y - 15} {CENTRE - x + 1} {y - 17} "
            f"C {CENTRE - x - 2} {y - 6} {CENTRE - x - 1} {y + 2} {CENTRE - x - 5} {y + 7} "
            f"Q {CENTRE - x * 0.5} {y + 17} {CENTRE} {y + 17}"
        )
    )
    roll = path(f"M {CENTRE - x - 1} {y - 1} Q {CENTRE} {y + 8} {CENTRE + x + 1} {y - 1}")
    return (Part(tube, patterned=False, texture="rib", puff=1.1, lift=0.7), Seam(roll, 2.0, 0.25))


def _button_band(torso: Torso) -> Drawing:
    half = path(half_neck(torso))
    band = path(f"M {CENTRE} {torso.top + torso.dip} L {CENTRE} {torso.hem_y + 5}")
    rail = half[::-1] + tuple((2 * CENTRE - x, y) for x, y in half[1:])
    items: list[Item] = [
        Part(rail, patterned=False, stroke=6.5, texture="rib", puff=0.8, lift=0.4),
        Part(band, patterned=False, stroke=9.0, texture="rib", puff=0.8, lift=0.4),
    ]
    for at in np.linspace(torso.top + torso.dip + 9, torso.hem_y - 4, 6):
        items.append(button(CENTRE, float(at), 2.3))
    return tuple(items)
