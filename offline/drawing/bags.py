"""Draws bags."""

import numpy as np

from offline.drawing.cut import Cut
from offline.drawing.outline import (
    Drawing,
    Fold,
    Part,
    Seam,
    both,
    button,
    circle,
    path,
)


def bag(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a tote, a backpack, a crossbody bag, a handbag or a clutch."""
    draw = {"tote": _tote, "backpack": _backpack, "crossbody": _crossbody, "handbag": _handbag}[
        cut.model
    ]
    return draw(cut, rng)


def _tote(cut: Cut, rng: np.random.Generator) -> Drawing:
    rise = float(rng.uniform(-8, 8))
    body = path(
        "M 52 110 Q 128 116 204 110 C 206 150 209 190 210 222 Q 208 230 198 230 Q 128 234 58 230 "
        "Q 48 230 46 222 C 47 190 50 150 52 110 Z"
    )
    mouth = path("M 52 110 Q 128 103 204 110 Q 128 117 52 110 Z")
    rear = path(f"M 94 110 C 92 {44 + rise} 164 {44 + rise} 162 110")
    front = path(f"M 84 132 L 86 110 C 88 {26 + rise} 168 {26 + rise} 170 110 L 172 132")
    leather = cut.texture == "leather"
    strap = "main" if leather else "leather"
    folds = (
        Fold(path("M 70 226 Q 74 180 92 130"), 10, 0.7),
        Fold(path("M 186 226 Q 180 180 166 130"), 10, -0.7),
        Fold(path("M 120 228 Q 124 190 116 150"), 12, -0.5),
    )
    return (
        Part(rear, strap, patterned=False, stroke=6.5, puff=1.0, lift=0.4, tone=0.85),
        Part(mouth, "inner", patterned=False, puff=0.1, lift=0.1),
        Part(body, texture=cut.texture, puff=0.9, gloss=0.3 if leather else 0.0, folds=folds),
        Seam(path("M 52 121 Q 128 127 204 121"), 0.8, 0.28, dash=2.6),
        Part(front, strap, patterned=False, stroke=6.5, puff=1.0, lift=1.0),
        *both([button(84.5, 127, 2.2, "metal")]),
    )


def _backpack(cut: Cut, rng: np.random.Generator) -> Drawing:
    body = path(
        "M 128 42 C 176 42 190 62 192 100 L 196 214 Q 196 232 178 233 Q 128 237 78 233 Q 60 232 "
        "60 214 L 64 100 C 66 62 80 42 128 42 Z"
    )
    loop = path("M 110 46 C 110 20 146 20 146 46")
    side = path("M 62 160 C 44 164 42 200 50 216 Q 54 222 62 220 Z")
    pocket = path(
        "M 82 158 Q 128 152 174 158 L 178 210 Q 178 222 166 223 Q 128 226 90 223 Q 78 222 78 210 Z"
    )
    arch = path("M 72 128 C 70 84 90 64 128 64 C 166 64 186 84 184 128")
    return (
        Part(loop, "deep", patterned=False, stroke=6.0, puff=1.0, lift=0.4),
        *both([Part(side, "deep", patterned=False, puff=0.8, lift=0.4)]),
        Part(body, texture=cut.texture, puff=1.3, gloss=0.1),
        Part(arch, "inner", patterned=False, stroke=3.4, puff=0.5, lift=0.2),
        Seam(arch, 1.2, 0.3, dash=1.6),
        Part(path("M 74 124 L 74 140"), "metal", patterned=False, stroke=3.4, lift=0.8),
        Part(pocket, texture=cut.texture, puff=1.1, lift=1.1),
        Part(
            path("M 84 172 Q 128 166 172 172"),
            "inner",
            patterned=False,
            stroke=3.2,
            puff=0.5,
            lift=0.2,
        ),
        Part(path("M 168 173 L 170 188"), "metal", patterned=False, stroke=3.0, lift=0.8),
        Part(
            path("M 112 104 L 144 104 L 144 122 L 112 122 Z"),
            "leather",
            patterned=False,
            puff=0.5,
            lift=0.6,
        ),
        Seam(path("M 114 106 L 142 106 L 142 120 L 114 120 L 114 106"), 0.7, 0.3, dash=2.0),
    )


def _crossbody(cut: Cut, rng: np.random.Generator) -> Drawing:
    rise = float(rng.uniform(-6, 6))
    strap = path(f"M 62 150 C 50 {20 + rise} 206 {20 + rise} 194 150")
    body = path(
        "M 60 128 Q 128 124 196 128 Q 204 128 204 138 L 208 202 Q 208 216 194 217 Q 128 221 62 "
        "217 Q 48 216 48 202 L 52 138 Q 52 128 60 128 Z"
    )
    flap = path(
        "M 56 126 Q 128 121 200 126 Q 206 128 205 138 L 204 164 C 200 188 160 194 128 194 C 96 "
        "194 56 188 52 164 L 51 138 Q 50 128 56 126 Z"
    )
    return (
        Part(strap, patterned=False, stroke=5.0, puff=1.0, lift=0.6, gloss=0.2, tone=0.92),
        Part(body, texture=cut.texture, patterned=False, puff=1.0, gloss=0.3, tone=0.92),
        Part(flap, texture=cut.texture, puff=1.0, lift=1.1, gloss=0.35),
        Seam(
            path("M 57 164 C 62 182 100 189 128 189 C 156 189 194 182 199 164"), 0.8, 0.3, dash=2.4
        ),
        Part(circle(128, 188, 8.0), "metal", patterned=False, puff=1.0, lift=0.8, gloss=0.6),
        Part(circle(128, 188, 3.6), "metal", patterned=False, puff=-0.8, lift=0.2, tone=0.8),
        *both([Part(circle(62, 140, 5.5), "metal", patterned=False, stroke=2.4, lift=0.5)]),
    )


def _handbag(cut: Cut, rng: np.random.Generator) -> Drawing:
    rise = float(rng.uniform(-5, 5))
    body = path(
        "M 70 122 Q 128 117 186 122 C 198 124 200 130 202 140 L 214 208 Q 216 224 200 225 Q 128 "
        "230 56 225 Q 40 224 42 208 L 54 140 C 56 130 58 124 70 122 Z"
    )
    handle = path(f"M 88 132 C 84 {50 + rise} 172 {50 + rise} 168 132")
    panel = path("M 66 122 Q 128 116 190 122 L 194 150 Q 128 158 62 150 Z")
    folds = (
        Fold(path("M 70 222 Q 78 190 84 160"), 10, 0.8),
        Fold(path("M 184 222 Q 178 190 172 160"), 10, -0.8),
    )
    return (
        Part(handle, "deep", patterned=False, stroke=7.0, puff=1.1, lift=0.6, gloss=0.3),
        Part(body, texture=cut.texture, puff=1.15, gloss=0.4, folds=folds),
        Part(panel, "deep", patterned=False, texture=cut.texture, puff=0.6, lift=0.7, gloss=0.3),
        Seam(path("M 64 146 Q 128 154 192 146"), 0.8, 0.3, dash=2.4),
        *both([Part(circle(88, 134, 6.0), "metal", patterned=False, stroke=2.6, lift=0.5)]),
        Part(
            path("M 118 142 L 138 142 L 138 162 L 118 162 Z"),
            "metal",
            patterned=False,
            puff=0.8,
            lift=0.8,
            gloss=0.6,
        ),
        Seam(path("M 128 148 L 128 156"), 2.0, 0.5),
    )
