"""Draws bags, hats and scarves."""

import numpy as np

from offline.demo_cut import Cut
from offline.demo_outline import (
    CENTRE,
    Drawing,
    Fold,
    Item,
    Part,
    Seam,
    both,
    button,
    circle,
    mirror,
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
        "M 52 110 Q 128 116 204 110 C 206 150 209 190 210 222 Q 208 230 198 230 Q 128 234 58 230 Q 48 230 46 222 C 47 190 50 150 52 110 Z"
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
        "M 128 42 C 176 42 190 62 192 100 L 196 214 Q 196 232 178 233 Q 128 237 78 233 Q 60 232 60 214 L 64 100 C 66 62 80 42 128 42 Z"
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
        "M 60 128 Q 128 124 196 128 Q 204 128 204 138 L 208 202 Q 208 216 194 217 Q 128 221 62 217 Q 48 216 48 202 L 52 138 Q 52 128 60 128 Z"
    )
    flap = path(
        "M 56 126 Q 128 121 200 126 Q 206 128 205 138 L 204 164 C 200 188 160 194 128 194 C 96 194 56 188 52 164 L 51 138 Q 50 128 56 126 Z"
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
        "M 70 122 Q 128 117 186 122 C 198 124 200 130 202 140 L 214 208 Q 216 224 200 225 Q 128 230 56 225 Q 40 224 42 208 L 54 140 C 56 130 58 124 70 122 Z"
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


def hat(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a cap, a beanie, a bucket hat or a hat with a wide brim."""
    draw = {"cap": _cap, "beanie": _beanie, "bucket": _bucket, "brim": _brim}[cut.model]
    return draw(cut, rng)


def _cap(cut: Cut, rng: np.random.Generator) -> Drawing:
    crown = path(
        "M 48 158 C 44 104 76 68 122 66 C 168 66 194 100 194 150 C 160 142 100 144 48 158 Z"
    )
    brim = path(
        "M 96 150 C 130 140 176 140 196 148 C 220 154 240 168 242 180 C 240 188 226 186 214 184 C 180 176 130 172 84 170 C 80 162 86 154 96 150 Z"
    )
    under = path(
        "M 86 168 C 130 172 190 176 216 184 C 228 188 240 188 242 180 C 238 192 226 194 214 192 C 180 184 130 180 90 176 Z"
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
        "M 20 166 C 30 146 80 138 128 138 C 176 138 226 146 236 166 C 238 184 180 200 128 200 C 76 200 18 184 20 166 Z"
    )
    crown = path(
        f"M 68 164 C 68 130 74 {top + 8} 92 {top} C 106 {top - 6} 118 {top + 8} 128 {top + 8} C 138 {top + 8} 150 {top - 6} 164 {top} C 182 {top + 8} 188 130 188 164 Q 128 182 68 164 Z"
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


def scarf(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a scarf looped once with two hanging ends, fringed or plain."""
    sway = float(rng.uniform(-4, 4))
    left = path(
        f"M 96 92 C 88 120 84 160 {80 + sway} 222 Q 100 227 {120 + sway} 223 C 126 180 130 140 134 104 Z"
    )
    right = path(
        f"M 128 96 C 134 130 140 160 {146 + sway} 206 Q 166 210 {184 + sway} 204 C 178 160 170 124 160 88 Z"
    )
    loop = path(
        "M 66 82 C 60 56 92 34 128 34 C 166 34 198 56 190 84 C 184 106 158 122 128 122 C 98 122 72 106 66 82 Z"
    )
    hole = path(
        "M 92 68 C 94 54 110 48 128 48 C 148 48 164 54 166 68 C 160 80 146 84 128 84 C 110 84 96 80 92 68 Z"
    )
    drape = tuple(
        Fold(
            path(
                f"M {70 + 6 * n} {84 + 4 * n} Q 128 {112 + 5 * n - 26} {186 - 6 * n} {80 + 4 * n}"
            ),
            6,
            depth,
        )
        for n, depth in enumerate((0.9, -0.9, 0.9, -0.9))
    )
    items: list[Item] = []
    for outline, (x, to_x, y), lean in (
        (right, (146 + sway, 184 + sway, 205.0), 7.0),
        (left, (80 + sway, 120 + sway, 222.0), -3.0),
    ):
        if cut.model == "fringed":
            items += _fringe(x, to_x, y, rng)
        middle = (x + to_x) / 2
        folds = tuple(
            Fold(
                path(f"M {middle + shift} {y} Q {middle + shift} 150 {128 + shift * 0.6} 100"),
                8,
                depth,
            )
            for shift, depth in ((-11.0, 0.9), (0.0, -0.8), (11.0, 0.7))
        )
        items.append(
            Part(outline, texture=cut.texture, angle=lean, puff=0.8, lift=0.8, folds=folds)
        )
    items.append(Part(loop, texture=cut.texture, angle=90, puff=1.2, lift=1.0, folds=drape))
    items.append(Part(hole, "inner", patterned=False, puff=-0.6, lift=0.0))
    return tuple(items)


def _fringe(x: float, to_x: float, y: float, rng: np.random.Generator) -> Drawing:
    items: list[Item] = []
    for place in np.linspace(x + 2, to_x - 2, 9):
        end = float(place) + float(rng.uniform(-1.5, 1.5))
        items.append(
            Part(
                path(f"M {place} {y - 1} L {end} {y + 15 + float(rng.uniform(-1.5, 1.5))}"),
                patterned=False,
                stroke=2.2,
                puff=0.9,
                lift=0.3,
            )
        )
    return tuple(items)
