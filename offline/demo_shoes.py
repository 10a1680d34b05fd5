"""Draws shoes and boots, in profile or as a pair."""

import numpy as np

from offline.demo_cut import Cut
from offline.demo_outline import Drawing, Fold, Item, Part, Point, Seam, circle, path


def shoes(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a sneaker, a high-top, an ankle boot, a pump, a ballet flat or a loafer."""
    draw = {
        "sneaker": _sneaker,
        "high-top": _high_top,
        "boot": _boot,
        "pump": _pump,
        "flat": _flat,
        "loafer": _loafer,
    }[cut.model]
    return draw(cut, rng)


def _eyelets(start: Point, end: Point, count: int, reach: Point) -> Drawing:
    """Returns laces that cross the tongue between two rows of eyelets."""
    items: list[Item] = []
    for share in np.linspace(0, 1, count):
        x = start[0] + (end[0] - start[0]) * float(share)
        y = start[1] + (end[1] - start[1]) * float(share)
        lace = path(
            f"M {x} {y} Q {x + reach[0] * 0.5 + 2} {y + reach[1] * 0.5 - 3} {x + reach[0]} {y + reach[1]}"
        )
        items.append(Part(circle(x, y, 1.7), "inner", patterned=False, puff=0.2, lift=0.1))
        items.append(Part(lace, "lace", patterned=False, stroke=3.2, puff=1.0, lift=0.7))
    return tuple(items)


def _sneaker(cut: Cut, rng: np.random.Generator) -> Drawing:
    rise = float(rng.uniform(-3, 3))
    upper = path(
        f"M 34 178 C 28 158 29 128 38 {104 + rise} C 46 {100 + rise} 60 {103 + rise} 70 {112 + rise} "
        "C 82 118 92 116 102 110 L 112 100 C 124 110 146 128 164 140 C 186 152 216 152 226 168 "
        "C 229 174 229 180 226 184 L 36 184 Z"
    )
    tongue = path(f"M 92 116 C 92 104 98 90 112 84 C 120 84 124 90 124 98 L 160 138 L 134 142 Z")
    heel = path(
        "M 30 180 C 27 156 29 128 37 108 C 46 112 52 122 52 138 C 53 156 56 168 62 184 L 36 184 Z"
    )
    toe = path(
        "M 170 143 C 190 152 217 152 227 168 C 230 178 228 184 226 184 L 160 184 C 158 168 160 154 170 143 Z"
    )
    side = path("M 84 176 C 98 160 112 146 118 130 L 130 140 C 124 156 112 168 104 180 Z")
    sole = path(
        "M 28 178 C 60 184 120 186 160 182 C 190 178 216 178 231 176 C 235 184 234 196 226 200 L 44 200 C 32 200 27 192 28 178 Z"
    )
    mouth = path(
        f"M 38 {105 + rise} C 48 {99 + rise} 62 {102 + rise} 72 {112 + rise} C 82 118 94 116 104 110 L 106 118 C 92 128 70 126 58 116 Z"
    )
    tread = path("M 30 193 C 80 197 180 197 232 191")
    return (
        Part(tongue, "deep", patterned=False, puff=0.9, lift=0.4),
        Part(upper, texture=cut.texture, puff=1.1, gloss=0.12),
        Part(mouth, "inner", patterned=False, puff=0.2, lift=0.2),
        Part(heel, "deep", patterned=False, puff=0.7, lift=0.4),
        Part(toe, "pale", patterned=False, puff=0.9, lift=0.35),
        Part(side, "trim", patterned=False, puff=0.4, lift=0.4),
        Seam(path("M 112 104 C 124 114 146 134 166 146"), 0.9, 0.35),
        Seam(path("M 105 116 C 122 130 138 144 152 160"), 0.9, 0.3, dash=2.4),
        *_eyelets((110, 118), (146, 147), 5, (13.0, -10.0)),
        Part(sole, "sole", patterned=False, puff=0.9, lift=0.6),
        Seam(tread, 1.2, 0.25),
        Seam(path("M 30 184 C 80 190 180 188 231 182"), 0.8, 0.18),
    )


def _high_top(cut: Cut, rng: np.random.Generator) -> Drawing:
    top = 62.0 + float(rng.uniform(-4, 4))
    upper = path(
        f"M 42 188 C 38 150 44 110 48 {top} C 62 {top - 4} 84 {top - 2} 98 {top + 4} C 102 88 110 108 124 122 "
        "C 142 140 168 152 196 158 C 216 162 226 170 227 188 Z"
    )
    tongue = path(
        f"M 84 {top + 6} C 90 {top - 14} 104 {top - 14} 110 {top - 4} C 114 86 124 104 142 124 L 128 132 Z"
    )
    toe = path("M 184 154 C 212 158 229 170 230 188 L 178 190 C 174 176 176 162 184 154 Z")
    sole = path(
        "M 36 182 C 80 187 170 188 233 180 C 237 188 235 200 228 204 L 46 204 C 36 203 34 192 36 182 Z"
    )
    mouth = path(
        f"M 48 {top + 2} C 62 {top - 5} 84 {top - 4} 99 {top + 5} C 84 {top + 9} 62 {top + 8} 48 {top + 2} Z"
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


def _boot(cut: Cut, rng: np.random.Generator) -> Drawing:
    top = 50.0 + float(rng.uniform(-8, 6))
    heeled = cut.gender == "women"
    rise = 14.0 if heeled else 0.0
    upper = path(
        f"M 54 {186 - rise} C 50 150 56 110 58 {top} C 76 {top - 4} 104 {top - 3} 122 {top + 2} "
        f"C 122 92 122 110 132 126 C 148 144 196 146 216 166 C 224 174 224 184 222 190 L 150 190 C 120 188 90 {190 - rise} 54 {186 - rise} Z"
    )
    mouth = path(
        f"M 58 {top + 1} C 76 {top - 6} 104 {top - 5} 122 {top + 2} C 104 {top + 7} 76 {top + 6} 58 {top + 1} Z"
    )
    gusset = path(
        f"M 78 {top + 4} L 104 {top + 4} C 102 96 98 120 92 132 C 84 120 80 96 78 {top + 4} Z"
    )
    heel = (
        path("M 54 170 L 92 172 C 90 184 88 196 88 206 L 60 206 C 60 194 56 182 54 170 Z")
        if heeled
        else path("M 52 184 L 96 186 L 96 204 L 54 204 Z")
    )
    sole = path(
        f"M 52 {183 - rise} C 90 {188 - rise} 116 186 146 188 L 226 187 C 228 194 226 198 222 199 L 140 199 C 116 197 90 {197 - rise} 54 {194 - rise} Z"
    )
    folds = (
        Fold(path("M 130 128 Q 108 134 82 130"), 7, -0.9),
        Fold(path("M 136 138 Q 112 148 84 144"), 7, 0.8),
        Fold(path("M 124 112 Q 104 116 78 108"), 6, -0.6),
    )
    leather = cut.texture == "leather"
    return (
        Part(heel, "rubber", patterned=False, puff=0.8, lift=0.4, gloss=0.2),
        Part(
            upper,
            texture=cut.texture,
            patterned=False,
            puff=1.25,
            gloss=0.55 if leather else 0.1,
            folds=folds,
        ),
        Part(mouth, "inner", patterned=False, puff=0.2, lift=0.1),
        Part(gusset, "deep", patterned=False, texture="rib", puff=0.4, lift=0.0, tone=0.8),
        Seam(path("M 160 146 C 152 160 150 176 152 188"), 0.9, 0.3),
        Part(
            path(f"M 58 {top + 6} L 56 {top - 10} L 62 {top - 10} L 64 {top + 6} Z"),
            "deep",
            patterned=False,
            puff=0.5,
            lift=0.3,
        ),
        Part(sole, "rubber", patterned=False, puff=0.8, lift=0.5, gloss=0.15),
    )


def _pump(cut: Cut, rng: np.random.Generator) -> Drawing:
    rise = float(rng.uniform(-6, 8))
    top = 92.0 - rise
    upper = path(
        f"M 52 {top} C 46 {top + 20} 48 {top + 40} 54 {top + 52} C 84 {top + 58} 118 168 150 190 "
        f"L 224 194 C 232 192 232 184 224 180 C 200 172 178 164 164 148 C 150 158 118 150 96 {top + 30} C 82 {top + 18} 68 {top + 2} 52 {top} Z"
    )
    mouth = path(
        f"M 53 {top + 1} C 66 {top - 3} 84 {top + 4} 98 {top + 18} C 124 134 148 144 166 149 C 148 158 116 150 95 {top + 30} C 82 {top + 18} 68 {top + 4} 53 {top + 1} Z"
    )
    heel = path(
        f"M 52 {top + 44} C 64 {top + 54} 80 {top + 56} 92 {top + 62} C 78 {top + 76} 70 168 68 206 L 58 206 C 58 168 58 {top + 76} 52 {top + 44} Z"
    )
    sole = path(
        f"M 90 {top + 60} C 118 166 130 182 148 193 L 226 197 C 231 196 232 193 231 190 L 156 188 C 130 172 116 {top + 60} 92 {top + 54} Z"
    )
    return (
        Part(mouth, "beige", patterned=False, puff=0.3, lift=0.2),
        Part(heel, patterned=False, puff=1.1, lift=0.3, gloss=0.5, tone=0.9),
        Part(sole, "rubber", patterned=False, puff=0.5, lift=0.3),
        Part(upper, texture=cut.texture, patterned=False, puff=1.25, gloss=0.65),
        Seam(
            path(
                f"M 56 {top + 4} C 72 {top + 6} 84 {top + 20} 97 {top + 33} C 118 153 150 161 166 151"
            ),
            0.6,
            0.2,
        ),
    )


def _flat(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a pair of ballet flats from above."""
    items: list[Item] = []
    for shift, lean in ((-42.0, -4.0), (42.0, 4.0)):
        x = 128 + shift
        sole = path(
            f"M {x} 40 C {x + 36} 40 {x + 40} 82 {x + 34} 118 C {x + 28} 150 {x + 32} 176 {x + 26} 198 "
            f"C {x + 20} 218 {x - 20} 218 {x - 26} 198 C {x - 32} 176 {x - 28} 150 {x - 34} 118 C {x - 40} 82 {x - 36} 40 {x} 40 Z"
        )
        bed = path(
            f"M {x} 98 C {x + 22} 98 {x + 26} 112 {x + 24} 128 C {x + 20} 152 {x + 24} 174 {x + 19} 194 "
            f"C {x + 13} 208 {x - 13} 208 {x - 19} 194 C {x - 24} 174 {x - 20} 152 {x - 24} 128 C {x - 26} 112 {x - 22} 98 {x} 98 Z"
        )
        items += [
            Part(sole, texture=cut.texture, patterned=True, puff=1.3, gloss=0.45),
            Part(bed, "beige", patterned=False, puff=-0.5, lift=0.0),
            Seam((*bed, bed[0]), 1.2, 0.4),
            Part(
                path(
                    f"M {x} 92 C {x - 8} 82 {x - 17} 84 {x - 16} 92 C {x - 17} 100 {x - 8} 101 {x} 93 C {x + 8} 101 {x + 17} 100 {x + 16} 92 C {x + 17} 84 {x + 8} 82 {x} 92 Z"
                ),
                "deep",
                patterned=False,
                puff=1.0,
                lift=0.8,
            ),
            Part(circle(x + lean * 0.2, 92.5, 3.0), "deep", patterned=False, puff=1.0, lift=0.5),
        ]
    return tuple(items)


def _loafer(cut: Cut, rng: np.random.Generator) -> Drawing:
    rise = float(rng.uniform(-3, 3))
    upper = path(
        f"M 38 182 C 32 160 34 136 42 {118 + rise} C 58 {116 + rise} 74 134 96 138 C 108 132 112 120 124 118 "
        "C 146 120 164 134 186 142 C 212 150 228 160 229 184 Z"
    )
    mouth = path(
        f"M 42 {119 + rise} C 60 {112 + rise} 96 116 124 119 C 114 124 108 134 96 139 C 76 136 60 {120 + rise} 42 {119 + rise} Z"
    )
    strap = path("M 100 150 C 112 136 128 126 142 125 L 156 130 C 142 134 124 148 114 166 Z")
    apron = path("M 142 128 C 160 136 190 142 208 158 C 204 162 176 160 158 156")
    sole = path(
        "M 34 178 L 230 180 C 234 186 233 192 230 194 L 96 194 L 92 204 L 42 204 C 36 200 34 188 34 178 Z"
    )
    return (
        Part(mouth, "beige", patterned=False, puff=0.2, lift=0.2, tone=0.85),
        Part(
            upper,
            texture=cut.texture,
            patterned=False,
            puff=1.25,
            gloss=0.5 if cut.texture == "leather" else 0.1,
        ),
        Seam(apron, 1.4, 0.4),
        Part(strap, "deep", patterned=False, puff=0.7, lift=0.8, gloss=0.3),
        Part(
            path("M 118 143 L 140 133"),
            "metal",
            patterned=False,
            stroke=3.6,
            puff=1.0,
            lift=0.6,
            gloss=0.4,
        ),
        Seam(path("M 62 132 C 66 150 66 166 64 180"), 0.8, 0.25),
        Part(sole, "rubber", patterned=False, puff=0.7, lift=0.5),
    )
