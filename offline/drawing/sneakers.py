"""Draws sneakers: low and high."""

import numpy as np

from offline.drawing.cut import Cut
from offline.drawing.outline import Drawing, Item, Outline, Part, Point, Seam, circle, path


def sneaker(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a low sneaker in profile, its toe to the right."""
    upper = path(
        "M 36 188 C 30 170 33 146 37 132 C 39 120 42 112 48 108 C 55 105 59 110 63 117 "
        "C 71 129 88 131 100 123 L 116 99 C 128 110 148 131 166 143 C 184 151 206 153 220 165 "
        "C 228 172 232 181 231 188 Z"
    )
    tongue = path("M 98 124 C 103 108 108 94 118 85 C 126 82 131 89 131 98 L 168 142 L 138 148 Z")
    mouth = path(
        "M 48 109 C 55 105 59 110 63 117 C 71 129 88 131 100 123 L 104 116 "
        "C 92 116 76 112 66 104 C 58 98 52 102 48 109 Z"
    )
    heel = path("M 32 188 C 30 166 34 140 39 122 C 48 128 54 140 54 154 C 54 166 58 178 64 188 Z")
    toe = path(
        "M 180 150 C 204 153 222 163 230 178 C 232 184 232 190 231 190 L 170 190 "
        "C 166 176 168 160 180 150 Z"
    )
    sole = path(
        "M 29 182 C 60 189 130 190 170 186 C 196 183 218 183 234 181 C 239 188 238 200 230 204 "
        "L 44 204 C 32 203 27 194 29 182 Z"
    )
    items: list[Item] = [
        Part(mouth, "inner", patterned=False, puff=0.2, lift=0.2),
        Part(tongue, "deep", patterned=False, puff=0.9, lift=0.4),
        Part(upper, texture=cut.texture, puff=1.1, gloss=0.12),
        Part(heel, "deep", patterned=False, puff=0.6, lift=0.5, clip=upper),
        Part(toe, "pale", patterned=False, puff=0.8, lift=0.4, clip=upper),
        *_badge(rng, upper),
        Seam(path("M 116 103 C 128 116 148 137 172 150"), 0.9, 0.35),
        Seam(path("M 102 126 C 118 138 134 148 150 164"), 0.9, 0.3, dash=2.4),
        *_eyelets((111, 119), (148, 150), 5, (14.0, -10.0)),
        Part(sole, "sole", patterned=False, puff=0.9, lift=0.6),
        Seam(path("M 30 196 C 80 200 180 200 236 194"), 1.2, 0.25),
    ]
    return tuple(items)


def _badge(rng: np.random.Generator, upper: Outline) -> Drawing:
    """Returns what marks a sneaker's side: a swing, two bars, or nothing."""
    choice = int(rng.integers(3))
    if choice == 0:
        swing = path("M 70 176 C 92 176 128 168 150 158 C 136 176 104 188 74 184 Z")
        return (Part(swing, "trim", patterned=False, puff=0.4, lift=0.4, clip=upper),)
    if choice == 1:
        bars = [
            path(f"M {x} 190 L {x + 26} 134 L {x + 35} 140 L {x + 10} 190 Z") for x in (82, 102)
        ]
        return tuple(
            Part(bar, "trim", patterned=False, puff=0.4, lift=0.4, clip=upper) for bar in bars
        )
    return (Seam(path("M 70 186 C 76 166 92 152 112 146"), 0.9, 0.3),)


def high_top(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a canvas sneaker that covers the ankle, its toe to the right."""
    top = 62.0 + float(rng.uniform(-4, 4))
    upper = path(
        f"M 42 188 C 38 150 44 110 48 {top} C 62 {top - 4} 84 {top - 2} 98 {top + 4} C 102 88 110 "
        "108 124 122 "
        "C 142 140 168 152 196 158 C 216 162 226 170 227 188 Z"
    )
    tongue = path(
        f"M 84 {top + 6} C 90 {top - 14} 104 {top - 14} 110 {top - 4} C 114 86 124 104 142 124 L "
        "128 132 Z"
    )
    toe = path("M 184 154 C 212 158 229 170 230 188 L 178 190 C 174 176 176 162 184 154 Z")
    sole = path(
        "M 36 182 C 80 187 170 188 233 180 C 237 188 235 200 228 204 L 46 204 C 36 203 34 192 36 "
        "182 Z"
    )
    mouth = path(
        f"M 48 {top + 2} C 62 {top - 5} 84 {top - 4} 99 {top + 5} C 84 {top + 9} 62 {top + 8} 48 "
        f"{top + 2} Z"
    )
    badge = circle(70, 106, 12)
    return (
        Part(tongue, "deep", patterned=False, puff=0.9, lift=0.4),
        Part(upper, texture=cut.texture, puff=1.1),
        Part(mouth, "inner", patterned=False, puff=0.2, lift=0.1),
        Part(badge, "trim", patterned=False, puff=0.3, lift=0.4),
        Part(toe, "sole", patterned=False, puff=1.1, lift=0.5, gloss=0.2),
        Seam(path(f"M 54 {top + 10} C 52 110 52 150 58 182"), 0.9, 0.3),
        Seam(path("M 100 78 C 106 104 122 124 152 150"), 0.9, 0.3, dash=2.4),
        *_eyelets((97, 76), (142, 144), 7, (15.0, -7.0)),
        Part(sole, "sole", patterned=False, puff=0.9, lift=0.6),
        Seam(path("M 36 193 C 80 197 170 198 235 191"), 2.2, 0.4),
    )


def _eyelets(start: Point, end: Point, count: int, reach: Point) -> Drawing:
    """Returns laces that cross the tongue between two rows of eyelets."""
    items: list[Item] = []
    for share in np.linspace(0, 1, count):
        x = start[0] + (end[0] - start[0]) * float(share)
        y = start[1] + (end[1] - start[1]) * float(share)
        lace = path(
            f"M {x} {y} Q {x + reach[0] * 0.5 + 2} {y + reach[1] * 0.5 - 3} {x + reach[0]} "
            f"{y + reach[1]}"
        )
        items.append(Part(circle(x, y, 1.7), "inner", patterned=False, puff=0.2, lift=0.1))
        items.append(Part(lace, "lace", patterned=False, stroke=3.2, puff=1.0, lift=0.7))
    return tuple(items)
