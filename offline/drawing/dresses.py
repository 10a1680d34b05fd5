"""Draws dresses and skirts."""

from dataclasses import dataclass

import numpy as np

from offline.drawing.cut import Cut
from offline.drawing.outline import (
    CENTRE,
    Drawing,
    Fold,
    Item,
    Outline,
    Part,
    Seam,
    both,
    flip,
    mirror,
    path,
)
from offline.drawing.torso import Sleeve, Torso, back, cuff, half_neck, neckband, sleeve_part

_HEMS = {"mini": 172.0, "knee": 204.0, "midi": 222.0, "maxi": 238.0}


@dataclass(frozen=True, slots=True)
class Flare:
    """A skirt from a waist to a hem; half widths and heights in units."""

    waist: float
    waist_y: float
    hip: float
    hem: float
    hem_y: float
    waves: int

    def outline(self) -> Outline:
        """Returns the skirt with a waving hem."""
        hip_y = self.waist_y + min(34.0, (self.hem_y - self.waist_y) * 0.42)
        side = (
            f"{CENTRE - self.waist} {self.waist_y} C {CENTRE - self.waist - 2} "
            f"{self.waist_y + 12} {CENTRE - self.hip} {hip_y - 12} {CENTRE - self.hip} {hip_y} "
        )
        left = path(f"M {side} L {CENTRE - self.hem} {self.hem_y}")
        return left + self._hem() + flip(left)[::-1]

    def _hem(self) -> Outline:
        steps = self.waves * 2
        spec = f"M {CENTRE - self.hem} {self.hem_y}"
        for step in range(steps):
            half, end = (step + 0.5) / steps, (step + 1) / steps
            sag = 5.0 * float(np.sin(np.pi * end))
            bend = 4.5 if step % 2 == 0 else -2.5
            x, to_x = (CENTRE + self.hem * (2 * place - 1) for place in (half, end))
            spec += f" Q {x} {self.hem_y + sag + bend} {to_x} {self.hem_y + sag}"
        return path(spec)

    def folds(self, rng: np.random.Generator, depth: float) -> tuple[Fold, ...]:
        """Returns creases that rise from the hem and fade to the waist."""
        folds: list[Fold] = []
        count = self.waves * 2
        for number in range(count):
            place = (number + 0.5) / count * 2 - 1 + float(rng.uniform(-0.05, 0.05))
            rise = float(rng.uniform(0.62, 0.95))
            foot = (CENTRE + self.hem * place * 0.96, self.hem_y + 6)
            head_x = CENTRE + (self.waist * 0.9 * rise + self.hem * 0.96 * (1 - rise)) * place
            head = (head_x, self.hem_y - (self.hem_y - self.waist_y) * rise)
            middle = (foot[0] * 0.55 + head[0] * 0.45, (foot[1] + head[1]) / 2)
            spine = path(f"M {foot[0]} {foot[1]} Q {middle[0]} {middle[1]} {head[0]} {head[1]}")
            width = self.hem * 2 / count * 0.85
            folds.append(Fold(spine, width, depth if number % 2 == 0 else -depth))
        return tuple(folds)


def dress(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a dress: a bodice, sleeves, and a skirt that is fitted, A-line or flared."""
    ease = float(rng.uniform(-1.5, 1.5))
    dip = {"crew": 11.0, "v-neck": 38.0, "scoop": 27.0}.get(cut.neckline, 12.0)
    bare = cut.sleeve == "sleeveless"
    torso = Torso(
        top=20.0,
        neck=20.0 if cut.neckline == "scoop" else 15.0,
        shoulder=(32.0 if bare else 37.0) + ease,
        drop=8.0 if bare else 10.0,
        chest=34.0 + ease,
        chest_y=64.0,
        waist=26.0 + ease,
        waist_y=102.0,
        hem=27.0 + ease,
        hem_y=108.0,
        dip=dip,
        pointed=cut.neckline == "v-neck",
    )
    hem_y = _HEMS.get(cut.length, 204.0) + float(rng.uniform(-4, 4))
    spread = {"fitted": 0.05, "a-line": 0.24, "flared": 0.44}.get(cut.model, 0.24)
    skirt = Flare(
        torso.waist + 0.5,
        104.0,
        {"fitted": 37.0, "a-line": 38.0, "flared": 43.0}.get(cut.model, 38.0) + ease,
        min(88.0, 34.0 + (hem_y - 104) * spread + ease),
        hem_y,
        {"fitted": 2, "a-line": 4, "flared": 6}.get(cut.model, 4),
    )
    items: list[Item] = [back(torso)]
    if not bare:
        sleeve = Sleeve(28, 30, 25, bow=1.0) if cut.sleeve == "short" else Sleeve(112, 13, 17)
        end = cuff(torso, sleeve, 4.0)
        items += both([sleeve_part(torso, sleeve), Seam((end[0], *end[-14:]), 0.8, 0.25)])
    depth = {"fitted": 0.4, "a-line": 0.9, "flared": 1.3}.get(cut.model, 0.9)
    items.append(Part(skirt.outline(), folds=skirt.folds(rng, depth), lift=0.4))
    items.append(Part(_bodice(torso), folds=_bodice_folds(torso), lift=0.35))
    items += neckband(torso, width=2.6)
    items += _waist(cut, torso)
    return tuple(items)


def _bodice(torso: Torso) -> Outline:
    tip_x, tip_y = torso.tip
    pit_x, pit_y = torso.armpit
    waist_x = CENTRE - torso.waist
    return mirror(
        path(
            half_neck(torso)
            + f" Q {tip_x + 7} {tip_y - torso.drop * 0.6} {tip_x} {tip_y}"
            + f" C {tip_x + 9} {tip_y + 14} {pit_x + 9} {pit_y - 12} {pit_x} {pit_y}"
            + f" C {pit_x + 1} {pit_y + 12} {waist_x} {torso.waist_y - 14} {waist_x} {torso.waist_y}"
            + f" L {CENTRE - torso.hem} {torso.hem_y} Q {CENTRE - 14} {torso.hem_y + 3} {CENTRE} {torso.hem_y + 3}"
        )
    )


def _bodice_folds(torso: Torso) -> tuple[Fold, ...]:
    folds: list[Fold] = []
    for side in (-1, 1):
        x = CENTRE + side * torso.chest
        folds.append(
            Fold(
                path(
                    f"M {x} {torso.chest_y} Q {x - side * 10} {torso.chest_y + 12} "
                    f"{x - side * 18} {torso.chest_y + 16}"
                ),
                5,
                -0.7,
            )
        )
        folds.append(
            Fold(
                path(
                    f"M {CENTRE + side * 15} {torso.waist_y + 4} Q {CENTRE + side * 15} "
                    f"{torso.waist_y - 16} {CENTRE + side * 17} {torso.chest_y + 8}"
                ),
                5,
                -0.8,
            )
        )
    return tuple(folds)


def _waist(cut: Cut, torso: Torso) -> Drawing:
    x, y = torso.hem + 0.3, torso.waist_y
    if cut.fit == "relaxed":  # a belt that ties
        band = path(
            f"M {CENTRE - x} {y - 2} Q {CENTRE} {y + 2} {CENTRE + x} {y - 2} L {CENTRE + x} "
            f"{y + 7} Q {CENTRE} {y + 11} {CENTRE - x} {y + 7} Z"
        )
        return (Part(band, "deep", patterned=False, puff=0.6, lift=0.7),)
    return (
        Seam(path(f"M {CENTRE - x} {y + 4} Q {CENTRE} {y + 8} {CENTRE + x} {y + 4}"), 1.0, 0.35),
    )


def skirt(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a skirt: pencil, A-line, flared or pleated, below a waistband."""
    ease = float(rng.uniform(-2, 2))
    top = 40.0 if cut.length == "maxi" else 52.0
    hem_y = {"mini": 150.0, "knee": 192.0, "midi": 216.0, "maxi": 226.0}.get(cut.length, 192.0)
    spread = {"pencil": -0.05, "a-line": 0.26, "flared": 0.50, "pleated": 0.42}.get(cut.model, 0.26)
    hip = 47.0 if cut.model == "pencil" else 49.0
    shape = Flare(
        34.0 + ease,
        top + 10,
        hip + ease,
        min(98.0, hip - 3 + (hem_y - top) * spread + ease),
        hem_y + float(rng.uniform(-4, 4)),
        {"pencil": 2, "a-line": 5, "flared": 7, "pleated": 9}.get(cut.model, 5),
    )
    depth = {"pencil": 0.4, "a-line": 0.9, "flared": 1.4, "pleated": 1.1}.get(cut.model, 0.9)
    items: list[Item] = [
        Part(shape.outline(), texture=cut.texture, folds=shape.folds(rng, depth), lift=0.4)
    ]
    if cut.model == "pleated":
        items += _pleats(shape)
    elif cut.texture in ("twill", "corduroy"):
        items.append(Seam(path(f"M {CENTRE} {top + 14} L {CENTRE} {hem_y + 3}"), 1.0, 0.35))
    x = 34.0 + ease
    band = path(
        f"M {CENTRE - x} {top} Q {CENTRE} {top + 5} {CENTRE + x} {top} L {CENTRE + x + 1.5} "
        f"{top + 12} Q {CENTRE} {top + 17} {CENTRE - x - 1.5} {top + 12} Z"
    )
    inner = mirror(
        path(
            f"M {CENTRE} {top - 3} Q {CENTRE - x * 0.6} {top - 3} {CENTRE - x} {top} Q "
            f"{CENTRE - x * 0.5} {top + 6} {CENTRE} {top + 6}"
        )
    )
    items += [
        Part(inner, "inner", patterned=False, puff=0.2, lift=0.1),
        Part(band, texture=cut.texture, puff=0.6, lift=0.6),
    ]
    return tuple(items)


def _pleats(shape: Flare) -> Drawing:
    seams: list[Item] = []
    for place in np.linspace(-0.88, 0.88, 10):
        x, foot = CENTRE + shape.waist * float(place), CENTRE + shape.hem * float(place)
        knee = CENTRE + shape.hip * float(place)
        seams.append(
            Seam(
                path(
                    f"M {x} {shape.waist_y + 4} Q {knee} {shape.waist_y + 34} {foot} "
                    f"{shape.hem_y + 4}"
                ),
                1.2,
                0.30,
            )
        )
    return tuple(seams)
