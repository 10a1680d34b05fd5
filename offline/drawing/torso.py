"""Pieces that clothes for the upper body share: body, sleeves, necklines and collars."""

from dataclasses import dataclass

import numpy as np

from offline.drawing.outline import CENTRE, Drawing, Fold, Outline, Part, Point, Seam, mirror, path


@dataclass(frozen=True, slots=True)
class Torso:
    """Half widths and heights of a body, in units of the 256 unit square."""

    top: float = 38.0
    neck: float = 17.0
    shoulder: float = 46.0
    drop: float = 13.0
    chest: float = 44.0
    chest_y: float = 92.0
    waist: float = 41.0
    waist_y: float = 140.0
    hem: float = 44.0
    hem_y: float = 214.0
    dip: float = 16.0
    pointed: bool = False  # a v-neck

    @property
    def tip(self) -> Point:
        """The left shoulder tip."""
        return CENTRE - self.shoulder, self.top + self.drop

    @property
    def armpit(self) -> Point:
        """The left armpit."""
        return CENTRE - self.chest, self.chest_y


def half_neck(torso: Torso) -> str:
    """Returns the left half of the neckline, from the middle to the shoulder."""
    neck_x, middle = CENTRE - torso.neck, torso.top + torso.dip
    if torso.pointed:
        return (
            f"M {CENTRE} {middle} Q {CENTRE - torso.neck * 0.55} {torso.top + torso.dip * 0.42} "
            f"{neck_x} {torso.top}"
        )
    return f"M {CENTRE} {middle} C {CENTRE - torso.neck * 0.62} {middle} {neck_x} " + (
        f"{torso.top + torso.dip * 0.55} {neck_x} {torso.top}"
    )


def body_outline(torso: Torso) -> Outline:
    """Returns the front of a body."""
    tip_x, tip_y = torso.tip
    pit_x, pit_y = torso.armpit
    waist_x, hem_x = CENTRE - torso.waist, CENTRE - torso.hem
    return mirror(
        path(
            half_neck(torso)
            + f" Q {tip_x + 8} {tip_y - torso.drop * 0.62} {tip_x} {tip_y}"
            + f" C {tip_x + 7} {tip_y + 14} {pit_x + 9} {pit_y - 16} {pit_x} {pit_y}"
            + f" C {pit_x + 1} {pit_y + 16} {waist_x} {torso.waist_y - 18} {waist_x} {torso.waist_y}"
            + f" C {waist_x} {torso.waist_y + 18} {hem_x} {torso.hem_y - 26} {hem_x} {torso.hem_y}"
            + f" Q {CENTRE - torso.hem * 0.5} {torso.hem_y + 3.5} {CENTRE} {torso.hem_y + 3.5}"
        )
    )


def back(torso: Torso, *, rise: float = 4.0) -> Part:
    """Returns the inside of the back, seen through the neckline."""
    x = torso.neck + 1.5
    outline = mirror(
        path(
            f"M {CENTRE} {torso.top + rise} Q {CENTRE - x * 0.7} {torso.top + rise} {CENTRE - x} "
            f"{torso.top - 1.5} L {CENTRE - x - 3} {torso.top + 8} "
            f"L {CENTRE - x * 0.5} {torso.top + torso.dip + 6} L {CENTRE} "
            f"{torso.top + torso.dip + 8}"
        )
    )
    return Part(outline, "inner", patterned=False, puff=0.2, lift=0.2)


def neckband(torso: Torso, *, width: float = 4.2, role: str = "main") -> Drawing:
    """Returns the band that closes a crew or v neckline."""
    half = path(half_neck(torso))
    band = half[::-1] + tuple((2 * CENTRE - x, y) for x, y in half[1:])
    below = tuple((CENTRE + (x - CENTRE) * 1.12, y + width * 0.9) for x, y in band)
    return (
        Part(band, role, patterned=False, stroke=width, puff=0.8, lift=0.35, texture="rib"),
        Seam(below, 0.7, 0.22),
    )


@dataclass(frozen=True, slots=True)
class Sleeve:
    """A left sleeve: its length along the arm, its angle from upright and its width at the end."""

    length: float
    angle: float
    end: float
    bow: float = 3.0

    def frame(self, torso: Torso) -> tuple[Point, Point, Point, Point]:
        """Returns shoulder tip, outer end, inner end and armpit."""
        turn = np.deg2rad(self.angle)
        down = (-float(np.sin(turn)), float(np.cos(turn)))
        side = (float(np.cos(turn)), float(np.sin(turn)))
        tip_x, tip_y = torso.tip
        outer = (tip_x - 3 + down[0] * self.length, tip_y + 3 + down[1] * self.length)
        inner = (outer[0] + side[0] * self.end, outer[1] + side[1] * self.end)
        return torso.tip, outer, inner, torso.armpit


def sleeve_part(torso: Torso, sleeve: Sleeve, *, texture: str = "", gloss: float = 0.0) -> Part:
    """Returns a left sleeve with the creases of its bend."""
    tip, outer, inner, pit = sleeve.frame(torso)
    bow = sleeve.bow
    outline = path(
        f"M {tip[0] + 14} {tip[1] - 5} Q {tip[0] + 4} {tip[1] - 3.5} {tip[0]} {tip[1]}"
        f" C {tip[0] - bow - 3} {tip[1] + sleeve.length * 0.22} "
        f"{(tip[0] + outer[0]) / 2 - bow} {(tip[1] + outer[1]) / 2} {outer[0]} {outer[1]}"
        f" Q {(outer[0] + inner[0]) / 2 - 1} {(outer[1] + inner[1]) / 2 + 2} {inner[0]} {inner[1]}"
        f" Q {(inner[0] + pit[0]) / 2 - 1} {(inner[1] + pit[1]) / 2 - 1} {pit[0] + 1} {pit[1] + 1}"
        f" L {pit[0] + 14} {pit[1] - 10} Z"
    )
    return Part(
        outline,
        texture=texture,
        angle=sleeve.angle,
        puff=1.0,
        lift=0.6,
        gloss=gloss,
        folds=_sleeve_folds(sleeve, tip, outer, inner, pit),
    )


def _sleeve_folds(
    sleeve: Sleeve, tip: Point, outer: Point, inner: Point, pit: Point
) -> tuple[Fold, ...]:
    if sleeve.length < 60:
        return (
            Fold(_line(_mix(tip, pit, 0.9), _mix(outer, inner, 0.45)), 5.0, -0.6),
            Fold(_line(_mix(tip, pit, 0.55), _mix(outer, inner, 0.2)), 5.0, 0.5),
        )
    middle_in, middle_out = _mix(pit, inner, 0.48), _mix(tip, outer, 0.52)
    low_in, low_out = _mix(pit, inner, 0.82), _mix(tip, outer, 0.88)
    return (
        Fold(_line(pit, _mix(middle_in, middle_out, 0.6)), 6.0, -0.8),
        Fold(_line(middle_in, _mix(middle_in, middle_out, 0.75), 3.0), 5.0, -0.9),
        Fold(_line(_mix(middle_in, inner, 0.2), _mix(middle_in, low_out, 0.5), 2.0), 4.5, 0.7),
        Fold(_line(low_in, _mix(low_in, low_out, 0.7), 2.0), 4.5, -0.7),
        Fold(_line(_mix(tip, pit, 0.3), _mix(middle_in, middle_out, 0.8)), 7.0, 0.6),
    )


def cuff(torso: Torso, sleeve: Sleeve, height: float, *, flare: float = 0.0) -> tuple[Point, ...]:
    """Returns the outline of a band round the end of a left sleeve."""
    _, outer, inner, _ = sleeve.frame(torso)
    turn = np.deg2rad(sleeve.angle)
    up = (float(np.sin(turn)) * height, -float(np.cos(turn)) * height)
    side = (float(np.cos(turn)) * flare, float(np.sin(turn)) * flare)
    return path(
        f"M {outer[0] + up[0]} {outer[1] + up[1]} L {outer[0] - side[0]} {outer[1] - side[1]}"
        f" Q {(outer[0] + inner[0]) / 2 - 1} {(outer[1] + inner[1]) / 2 + 2.5} "
        f"{inner[0] + side[0]} {inner[1] + side[1]} L {inner[0] + up[0]} {inner[1] + up[1]}"
        f" Q {(outer[0] + inner[0]) / 2 + up[0]} {(outer[1] + inner[1]) / 2 + up[1] + 2} "
        f"{outer[0] + up[0]} {outer[1] + up[1]} Z"
    )


def body_folds(torso: Torso, rng: np.random.Generator, *, depth: float = 1.0) -> tuple[Fold, ...]:
    """Returns the creases of a hanging body: from the armpits, and at the waist."""
    folds: list[Fold] = []
    for side in (-1, 1):
        pit_x = CENTRE + side * (torso.chest - 3)
        jitter = float(rng.uniform(-4, 4))
        folds += [
            Fold(
                _line((pit_x, torso.chest_y + 2), (pit_x - side * 20, torso.chest_y + 34 + jitter)),
                6.0,
                -0.9 * depth,
            ),
            Fold(
                _line(
                    (pit_x - side * 2, torso.chest_y - 6), (pit_x - side * 27, torso.chest_y - 1)
                ),
                5.0,
                -0.6 * depth,
            ),
            Fold(
                _line(
                    (pit_x - side * (10 + jitter), torso.hem_y),
                    (pit_x - side * 12, torso.waist_y - 8),
                ),
                9.0,
                0.8 * depth,
            ),
            Fold(
                _line(
                    (pit_x - side * (22 + jitter), torso.hem_y),
                    (pit_x - side * 20, torso.waist_y + 6),
                ),
                8.0,
                -0.8 * depth,
            ),
            Fold(
                _line(
                    (CENTRE + side * (torso.waist - 2), torso.waist_y + jitter),
                    (CENTRE + side * (torso.waist - 24), torso.waist_y + 9 + jitter),
                    2.0,
                ),
                5.0,
                -0.7 * depth,
            ),
        ]
    return tuple(folds)


def hem_line(torso: Torso, *, up: float) -> Outline:
    """Returns the stitching above the hem."""
    y, x = torso.hem_y - up, torso.hem - 0.5
    return path(f"M {CENTRE - x} {y} Q {CENTRE} {y + 6.5} {CENTRE + x} {y}")


def _mix(one: Point, two: Point, share: float) -> Point:
    return one[0] + (two[0] - one[0]) * share, one[1] + (two[1] - one[1]) * share


def _line(one: Point, two: Point, sag: float = 0.0) -> Outline:
    middle = _mix(one, two, 0.5)
    return path(f"M {one[0]} {one[1]} Q {middle[0]} {middle[1] + sag} {two[0]} {two[1]}")
