"""Pieces that clothes for the legs share: legs, waistbands and seams."""

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
                f"M {CENTRE} {self.top + 4} Q {CENTRE - self.waist * 0.5} {self.top + 4} "
                f"{CENTRE - self.waist} {self.top}"
                f" C {CENTRE - self.waist - 3} {self.top + 16} {CENTRE - self.hip} "
                f"{self.hip_y - 16} {CENTRE - self.hip} {self.hip_y}"
                f" C {CENTRE - self.hip} {self.hip_y + 22} "
                f"{CENTRE - self.knee - self.stance * 0.5} {knee_y - 20} "
                f"{CENTRE - self.knee - self.stance * 0.5} {knee_y}"
                f" Q {foot - self.ankle - 1} {(knee_y + self.hem_y) / 2} {foot - self.ankle} "
                f"{self.hem_y}"
                f" Q {foot - self.ankle / 2} {self.hem_y + 3.5} {foot} {self.hem_y + 1}"
                f" Q {CENTRE - self.inner * 0.8 - self.stance * 0.4} {knee_y} {CENTRE - 0.6} "
                f"{self.crotch_y}"
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
                            f"M {CENTRE + side * 2} {y} Q {CENTRE + side * reach * 0.5} {y - 3} "
                            f"{CENTRE + side * reach} {y - 12 + fall}"
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


def legs_of(cut: Cut, rng: np.random.Generator, *, hem_y: float, top: float = 16.0) -> Legs:
    """Returns the legs of a cut: skinny, straight, wide, flared or tapered."""
    woman = cut.gender == "women"
    ease = float(rng.uniform(-1.5, 1.5))
    hip = (44.0 if woman else 45.0) + {"slim": -2.0, "regular": 0.0, "relaxed": 5.0}[cut.fit] + ease
    knee = {"skinny": 34.5, "straight": 40.0, "wide": 50.0, "flared": 34.0}.get(cut.model, 39.0)
    ankle = {"skinny": 18.0, "straight": 27.0, "wide": 42.0, "flared": 40.0}.get(cut.model, 24.0)
    return Legs(
        top,
        (33.0 if woman else 37.0) + ease,
        hip,
        top + (80.0 if woman else 84.0),
        knee + ease,
        ankle + ease,
        3.0,
        hem_y,
        10.0 if cut.model != "wide" else 6.0,
    )


def waistband(legs: Legs, *, texture: str, loops: bool) -> Drawing:
    """Returns a waistband before the inside of the back, with loops for a belt."""
    x, y = legs.waist, legs.top
    inner = mirror(
        path(
            f"M {CENTRE} {y - 3} Q {CENTRE - x * 0.6} {y - 3} {CENTRE - x + 1} {y - 1} Q "
            f"{CENTRE - x * 0.5} {y + 6} {CENTRE} {y + 6}"
        )
    )
    band = path(
        f"M {CENTRE - x} {y - 1} Q {CENTRE} {y + 6} {CENTRE + x} {y - 1} L {CENTRE + x + 1.6} "
        f"{y + 11} Q {CENTRE} {y + 18} {CENTRE - x - 1.6} {y + 11} Z"
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


def fly(legs: Legs) -> Drawing:
    """Returns the seam of the middle and the stitches beside it."""
    y = legs.top + 14
    curve = path(
        f"M {CENTRE + 9} {y + 2} L {CENTRE + 9} {y + 26} Q {CENTRE + 8} {y + 36} {CENTRE} {y + 40}"
    )
    return (
        Seam(path(f"M {CENTRE} {y} L {CENTRE} {legs.crotch_y}"), 1.1, 0.40),
        Seam(curve, 0.7, -0.22, dash=2.2),
    )


def outseam(legs: Legs) -> Drawing:
    """Returns the seam along the outside of the left leg."""
    foot = CENTRE - legs.inner - legs.stance
    knee_y = legs.crotch_y + (legs.hem_y - legs.crotch_y) * 0.45
    line = path(
        f"M {CENTRE - legs.hip + 2.5} {legs.hip_y} Q {CENTRE - legs.knee - legs.stance * 0.5 + 2} "
        f"{knee_y} {foot - legs.ankle + 2.5} {legs.hem_y}"
    )
    return (Seam(line, 0.7, 0.22),)


def hem_stitch(legs: Legs) -> Seam:
    """Returns the stitching above the left hem."""
    foot = CENTRE - legs.inner - legs.stance
    return Seam(
        path(
            f"M {foot - legs.ankle} {legs.hem_y - 6} Q {foot - legs.ankle / 2} {legs.hem_y - 2.5} "
            f"{foot} {legs.hem_y - 5}"
        ),
        0.8,
        0.3,
    )
