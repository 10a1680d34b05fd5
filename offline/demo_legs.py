"""Draws jeans, trousers and shorts."""

from dataclasses import dataclass

import numpy as np

from offline.demo_cut import Cut
from offline.demo_outline import (
    CENTRE,
    Drawing,
    Fold,
    Item,
    Outline,
    Part,
    Seam,
    both,
    button,
    mirror,
    path,
)


@dataclass(frozen=True, slots=True)
class Legs:
    """Half widths from the middle and heights of a pair of legs."""

    top: float
    waist: float
    hip: float
    crotch_y: float
    knee: float
    ankle: float
    inner: float
    hem_y: float
    stance: float

    @property
    def hip_y(self) -> float:
        """The height of the widest place."""
        return self.top + (self.crotch_y - self.top) * 0.62

    def outline(self) -> Outline:
        """Returns both legs as one piece."""
        knee_y = self.crotch_y + (self.hem_y - self.crotch_y) * 0.45
        foot = CENTRE - self.inner - self.stance
        return mirror(
            path(
                f"M {CENTRE} {self.top + 4} Q {CENTRE - self.waist * 0.5} {self.top + 4} {CENTRE - self.waist} {self.top}"
                f" C {CENTRE - self.waist - 3} {self.top + 16} {CENTRE - self.hip} {self.hip_y - 16} {CENTRE - self.hip} {self.hip_y}"
                f" C {CENTRE - self.hip} {self.hip_y + 22} {CENTRE - self.knee - self.stance * 0.5} {knee_y - 20} "
                f"{CENTRE - self.knee - self.stance * 0.5} {knee_y}"
                f" Q {foot - self.ankle - 1} {(knee_y + self.hem_y) / 2} {foot - self.ankle} {self.hem_y}"
                f" Q {foot - self.ankle / 2} {self.hem_y + 3.5} {foot} {self.hem_y + 1}"
                f" Q {CENTRE - self.inner * 0.8 - self.stance * 0.4} {knee_y} {CENTRE - 0.6} {self.crotch_y}"
            )
        )

    def folds(self, rng: np.random.Generator, depth: float) -> tuple[Fold, ...]:
        """Returns creases at the crotch and the knees, and the light along each leg."""
        folds: list[Fold] = []
        knee_y = self.crotch_y + (self.hem_y - self.crotch_y) * 0.45
        for side in (-1, 1):
            mid = CENTRE + side * (self.inner + self.stance + self.ankle * 0.5)
            for number, fall in enumerate((6.0, 16.0, 28.0)):
                reach = 22.0 - number * 4
                y = self.crotch_y - 5 + number * 5
                folds.append(
                    Fold(
                        path(
                            f"M {CENTRE + side * 2} {y} Q {CENTRE + side * reach * 0.5} {y - 3} {CENTRE + side * reach} {y - 12 + fall}"
                        ),
                        4.5,
                        -0.8 * depth,
                    )
                )
            if self.hem_y - self.crotch_y > 60:
                for shift in (-8.0, 3.0, 40.0, 52.0):
                    y = knee_y + shift + float(rng.uniform(-4, 4))
                    end = CENTRE + side * (self.inner + self.stance * 0.6 + 3)
                    folds.append(
                        Fold(
                            path(f"M {end} {y} Q {mid} {y + 5} {mid + side * 6} {y - 2}"),
                            4.0,
                            -0.55 * depth,
                        )
                    )
            x = CENTRE + side * self.hip * 0.55
            folds.append(
                Fold(
                    path(f"M {mid} {self.hem_y} Q {mid} {knee_y} {x} {self.hip_y}"),
                    9.0,
                    0.7 * depth,
                )
            )
        return tuple(folds)


def _legs(cut: Cut, rng: np.random.Generator, *, hem_y: float, top: float = 16.0) -> Legs:
    woman = cut.gender == "women"
    ease = float(rng.uniform(-1.5, 1.5))
    hip = (44.0 if woman else 45.0) + {"slim": -2.0, "regular": 0.0, "relaxed": 5.0}[cut.fit] + ease
    knee = {"skinny": 34.0, "straight": 39.0, "wide": 50.0, "flared": 36.0}.get(cut.model, 39.0)
    ankle = {"skinny": 19.0, "straight": 26.0, "wide": 40.0, "flared": 37.0}.get(cut.model, 26.0)
    return Legs(
        top,
        (33.0 if woman else 37.0) + ease,
        hip,
        top + (80.0 if woman else 84.0),
        knee + ease,
        ankle + ease,
        3.0,
        hem_y,
        9.0 if cut.model != "wide" else 6.0,
    )


def _waistband(legs: Legs, *, texture: str, loops: bool) -> Drawing:
    x, y = legs.waist, legs.top
    inner = mirror(
        path(
            f"M {CENTRE} {y - 3} Q {CENTRE - x * 0.6} {y - 3} {CENTRE - x + 1} {y - 1} Q {CENTRE - x * 0.5} {y + 6} {CENTRE} {y + 6}"
        )
    )
    band = path(
        f"M {CENTRE - x} {y - 1} Q {CENTRE} {y + 6} {CENTRE + x} {y - 1} L {CENTRE + x + 1.6} {y + 11} Q {CENTRE} {y + 18} {CENTRE - x - 1.6} {y + 11} Z"
    )
    items: list[Item] = [
        Part(inner, "inner", patterned=False, puff=0.2, lift=0.1),
        Part(band, texture=texture, puff=0.5, lift=0.5),
    ]
    if loops:
        for place in (-0.72, -0.3, 0.3, 0.72):
            px = CENTRE + x * place
            py = y + 3 - 3.2 * abs(place)
            items.append(
                Part(
                    path(f"M {px} {py - 1} L {px} {py + 12}"),
                    patterned=False,
                    stroke=3.2,
                    puff=0.6,
                    lift=0.4,
                )
            )
    return tuple(items)


def jeans(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws jeans with stitches, rivets and a fly."""
    legs = _legs(cut, rng, hem_y=240.0 - (26.0 if cut.length == "cropped" else 0.0))
    y, x = legs.top, legs.waist
    items: list[Item] = [Part(legs.outline(), texture="twill", folds=legs.folds(rng, 1.0))]
    items += _fly(legs)
    pocket = path(
        f"M {CENTRE - x * 0.42} {y + 14} C {CENTRE - x * 0.45} {y + 27} {CENTRE - x * 0.8} {y + 33} {CENTRE - legs.hip + 4} {y + 33}"
    )
    shifted = tuple((px, py + 2.2) for px, py in pocket)
    sides = [Seam(pocket, 1.1, 0.42), Seam(shifted, 0.7, -0.25, dash=2.2)]
    items += both([*sides, button(CENTRE - x * 0.44, y + 16, 1.1, "metal"), *_inseam(legs)])
    if legs.ankle > 15:
        items += both([_hem_stitch(legs)])
    items += _waistband(legs, texture="twill", loops=True)
    items.append(button(CENTRE, y + 9, 2.5, "metal"))
    return tuple(items)


def _fly(legs: Legs) -> Drawing:
    y = legs.top + 14
    curve = path(
        f"M {CENTRE + 9} {y + 2} L {CENTRE + 9} {y + 26} Q {CENTRE + 8} {y + 36} {CENTRE} {y + 40}"
    )
    return (
        Seam(path(f"M {CENTRE} {y} L {CENTRE} {legs.crotch_y}"), 1.1, 0.40),
        Seam(curve, 0.7, -0.22, dash=2.2),
    )


def _inseam(legs: Legs) -> Drawing:
    foot = CENTRE - legs.inner - legs.stance
    knee_y = legs.crotch_y + (legs.hem_y - legs.crotch_y) * 0.45
    line = path(
        f"M {CENTRE - legs.hip + 2.5} {legs.hip_y} Q {CENTRE - legs.knee - legs.stance * 0.5 + 2} {knee_y} {foot - legs.ankle + 2.5} {legs.hem_y}"
    )
    return (Seam(line, 0.7, 0.22),)


def _hem_stitch(legs: Legs) -> Seam:
    foot = CENTRE - legs.inner - legs.stance
    return Seam(
        path(
            f"M {foot - legs.ankle} {legs.hem_y - 6} Q {foot - legs.ankle / 2} {legs.hem_y - 2.5} {foot} {legs.hem_y - 5}"
        ),
        0.8,
        0.3,
    )


def trousers(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws trousers with a pressed crease and slanted pockets, or joggers with a cord."""
    legs = _legs(cut, rng, hem_y=240.0 - (26.0 if cut.length == "cropped" else 0.0))
    y, x = legs.top, legs.waist
    items: list[Item] = [Part(legs.outline(), texture=cut.texture, folds=legs.folds(rng, 0.7))]
    foot = CENTRE - legs.inner - legs.stance - legs.ankle / 2
    knee_y = legs.crotch_y + (legs.hem_y - legs.crotch_y) * 0.45
    slant = Seam(
        path(f"M {CENTRE - x * 0.66} {y + 13} L {CENTRE - legs.hip + 3} {y + 42}"), 1.1, 0.4
    )
    if cut.model == "jogger" or cut.fit == "relaxed":
        items += both([slant, _hem_stitch(legs)])
        items += _waistband(legs, texture="rib", loops=False)
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
        f"M {CENTRE - x * 0.5} {y + 18} Q {CENTRE - legs.hip * 0.56} {knee_y} {foot} {legs.hem_y + 2}"
    )
    items += both([slant, Seam(crease, 1.0, 0.24)])
    items.append(Seam(path(f"M {CENTRE} {y + 14} L {CENTRE} {legs.crotch_y}"), 1.0, 0.35))
    items += _waistband(legs, texture=cut.texture, loops=cut.gender != "women")
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
        items += both([_hem_stitch(legs)])
        items += _waistband(legs, texture="rib", loops=False)
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
        f"M {foot - legs.ankle - 1.5} {legs.hem_y - 11} Q {foot - legs.ankle / 2} {legs.hem_y - 7} {foot + 0.5} {legs.hem_y - 10} "
        f"L {foot + 1.5} {legs.hem_y + 1} Q {foot - legs.ankle / 2} {legs.hem_y + 4.5} {foot - legs.ankle - 1} {legs.hem_y} Z"
    )
    items += both([Part(turn, texture=cut.texture, puff=0.6, lift=0.5)])
    items += _fly(legs)
    items += _waistband(legs, texture=cut.texture, loops=True)
    items.append(button(CENTRE, y + 9, 2.4, "metal" if cut.texture == "twill" else "button"))
    return tuple(items)
