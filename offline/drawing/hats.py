"""Draws hats."""

import numpy as np

from offline.drawing.cut import Cut
from offline.drawing.outline import (
    Drawing,
    Fold,
    Item,
    Part,
    Seam,
    circle,
    mirror,
    path,
)


def hat(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a cap, a beanie, a bucket hat or a hat with a wide brim."""
    draw = {"cap": _cap, "beanie": _beanie, "bucket": _bucket, "brim": _brim}[cut.model]
    return draw(cut, rng)


def _cap(cut: Cut, rng: np.random.Generator) -> Drawing:
    crown = path(
        "M 48 158 C 44 104 76 68 122 66 C 168 66 194 100 194 150 C 160 142 100 144 48 158 Z"
    )
    brim = path(
        "M 96 150 C 130 140 176 140 196 148 C 220 154 240 168 242 180 C 240 188 226 186 214 184 C "
        "180 176 130 172 84 170 C 80 162 86 154 96 150 Z"
    )
    under = path(
        "M 86 168 C 130 172 190 176 216 184 C 228 188 240 188 242 180 C 238 192 226 194 214 192 C "
        "180 184 130 180 90 176 Z"
    )
    return (
        Part(crown, texture=cut.texture, puff=1.5),
        Seam(path("M 122 67 C 96 86 84 116 82 150"), 1.0, 0.35),
        Seam(path("M 122 67 C 148 84 160 112 160 142"), 1.0, 0.35),
        Part(circle(92, 98, 1.8), "inner", patterned=False, puff=0.2, lift=0.1),
        Part(circle(146, 96, 1.8), "inner", patterned=False, puff=0.2, lift=0.1),
        Part(circle(122, 66, 4.5, 0.7), patterned=False, puff=1.0, lift=0.4),
        Part(under, "inner", patterned=False, puff=0.3, lift=0.5),
        Part(brim, texture=cut.texture, puff=1.0, lift=0.8),
        Seam(path("M 92 160 C 140 152 190 156 232 178"), 0.8, 0.25, dash=2.4),
        Seam(path("M 96 153 C 140 144 180 146 214 160"), 0.7, 0.2, dash=2.4),
    )


def _beanie(cut: Cut, rng: np.random.Generator) -> Drawing:
    top = 62.0 + float(rng.uniform(-5, 5))
    crown = mirror(path(f"M 128 {top} C 90 {top} 62 92 58 150 L 60 176 Q 90 184 128 184"))
    band = mirror(path("M 128 152 Q 86 152 54 146 C 50 162 50 182 55 196 Q 90 206 128 206"))
    items: list[Item] = [Part(crown, texture="rib" if cut.texture == "rib" else "knit", puff=1.4)]
    if cut.fit != "slim":
        ball = circle(128, top - 8, 22)
        fuzz = tuple(
            (x + 2.2 * float(np.sin(7 * a)), y + 2.2 * float(np.cos(9 * a)))
            for a, (x, y) in enumerate(ball)
        )
        items.append(Part(fuzz, "pale", patterned=False, texture="wool", puff=1.3, lift=0.8))
    items.append(Part(band, texture="rib", patterned=False, puff=1.2, lift=0.9))
    return tuple(items)


def _bucket(cut: Cut, rng: np.random.Generator) -> Drawing:
    crown = mirror(path("M 128 70 C 104 70 88 72 80 78 C 72 100 66 124 62 148 Q 96 160 128 160"))
    brim = mirror(path("M 128 146 Q 92 146 64 138 C 50 156 36 174 26 192 C 60 208 96 212 128 212"))
    items: list[Item] = [
        Part(crown, texture=cut.texture, puff=1.2),
        Part(brim, texture=cut.texture, puff=1.1, lift=0.8),
    ]
    for share in (0.3, 0.5, 0.7, 0.9):
        x, y = 64 - 38 * share, 138 + 54 * share
        items.append(
            Seam(path(f"M {x} {y} Q 128 {146 + 80 * share * 0.82 + 6} {256 - x} {y}"), 0.7, 0.22)
        )
    items.append(Seam(path("M 80 79 Q 128 90 176 79"), 0.9, 0.3))
    return tuple(items)


def _brim(cut: Cut, rng: np.random.Generator) -> Drawing:
    top = 74.0 + float(rng.uniform(-5, 5))
    brim = path(
        "M 20 166 C 30 146 80 138 128 138 C 176 138 226 146 236 166 C 238 184 180 200 128 200 C "
        "76 200 18 184 20 166 Z"
    )
    crown = path(
        f"M 68 164 C 68 130 74 {top + 8} 92 {top} C 106 {top - 6} 118 {top + 8} 128 {top + 8} C "
        f"138 {top + 8} 150 {top - 6} 164 {top} C 182 {top + 8} 188 130 188 164 Q 128 182 68 164 Z"
    )
    ribbon = path("M 68 146 Q 128 164 188 146 L 188 166 Q 128 184 68 166 Z")
    folds = (Fold(path(f"M 128 {top + 6} Q 126 {top + 26} 128 {top + 46}"), 14, -1.2),)
    return (
        Part(brim, texture=cut.texture, patterned=False, puff=0.9),
        Seam((*brim, brim[0]), 1.4, 0.22),
        Part(crown, texture=cut.texture, patterned=False, puff=1.3, folds=folds),
        Part(
            ribbon,
            "inner",
            patterned=False,
            texture="rib" if cut.texture == "straw" else "",
            puff=0.6,
            lift=0.5,
            clip=crown,
        ),
    )
