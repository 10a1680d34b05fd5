"""Draws shoes and boots, in profile or as a pair."""

import numpy as np

from offline.drawing.cut import Cut
from offline.drawing.outline import Drawing, Fold, Item, Part, Seam, circle, path
from offline.drawing.sneakers import high_top, sneaker


def shoes(cut: Cut, rng: np.random.Generator) -> Drawing:
    """Draws a sneaker, a high-top, an ankle boot, a pump, a ballet flat or a loafer."""
    draw = {
        "sneaker": sneaker,
        "high-top": high_top,
        "boot": _boot,
        "pump": _pump,
        "flat": _flat,
        "loafer": _loafer,
    }[cut.model]
    return draw(cut, rng)


def _boot(cut: Cut, rng: np.random.Generator) -> Drawing:
    top = 50.0 + float(rng.uniform(-8, 6))
    heeled = cut.gender == "women"
    rise = 14.0 if heeled else 0.0
    upper = path(
        f"M 54 {186 - rise} C 50 150 56 110 58 {top} C 76 {top - 4} 104 {top - 3} 122 {top + 2} "
        "C 122 92 122 110 132 126 C 148 144 196 146 216 166 C 224 174 224 184 222 190 L 150 190 "
        f"C 120 188 90 {190 - rise} 54 {186 - rise} Z"
    )
    mouth = path(
        f"M 58 {top + 1} C 76 {top - 6} 104 {top - 5} 122 {top + 2} C 104 {top + 7} 76 {top + 6} "
        f"58 {top + 1} Z"
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
        f"M 52 {183 - rise} C 90 {188 - rise} 116 186 146 188 L 226 187 C 228 194 226 198 222 199 "
        f"L 140 199 C 116 197 90 {197 - rise} 54 {194 - rise} Z"
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
        "L 224 194 C 232 192 232 184 224 180 C 200 172 178 164 164 148 C 150 158 118 150 96 "
        f"{top + 30} C 82 {top + 18} 68 {top + 2} 52 {top} Z"
    )
    mouth = path(
        f"M 53 {top + 1} C 66 {top - 3} 84 {top + 4} 98 {top + 18} C 124 134 148 144 166 149 C "
        f"148 158 116 150 95 {top + 30} C 82 {top + 18} 68 {top + 4} 53 {top + 1} Z"
    )
    heel = path(
        f"M 52 {top + 44} C 64 {top + 54} 80 {top + 56} 92 {top + 62} C 78 {top + 76} 70 168 68 "
        f"206 L 58 206 C 58 168 58 {top + 76} 52 {top + 44} Z"
    )
    sole = path(
        f"M 90 {top + 60} C 118 166 130 182 148 193 L 226 197 C 231 196 232 193 231 190 L 156 188 "
        f"C 130 172 116 {top + 60} 92 {top + 54} Z"
    )
    return (
        Part(mouth, "beige", patterned=False, puff=0.3, lift=0.2),
        Part(heel, patterned=False, puff=1.1, lift=0.3, gloss=0.5, tone=0.9),
        Part(sole, "rubber", patterned=False, puff=0.5, lift=0.3),
        Part(upper, texture=cut.texture, patterned=False, puff=1.25, gloss=0.65),
        Seam(
            path(
                f"M 56 {top + 4} C 72 {top + 6} 84 {top + 20} 97 {top + 33} C 118 153 150 161 166 "
                "151"
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
            f"M {x} 40 C {x + 36} 40 {x + 40} 82 {x + 34} 118 C {x + 28} 150 {x + 32} 176 "
            f"{x + 26} 198 "
            f"C {x + 20} 218 {x - 20} 218 {x - 26} 198 C {x - 32} 176 {x - 28} 150 {x - 34} 118 C "
            f"{x - 40} 82 {x - 36} 40 {x} 40 Z"
        )
        bed = path(
            f"M {x} 98 C {x + 22} 98 {x + 26} 112 {x + 24} 128 C {x + 20} 152 {x + 24} 174 "
            f"{x + 19} 194 "
            f"C {x + 13} 208 {x - 13} 208 {x - 19} 194 C {x - 24} 174 {x - 20} 152 {x - 24} 128 C "
            f"{x - 26} 112 {x - 22} 98 {x} 98 Z"
        )
        items += [
            Part(sole, texture=cut.texture, patterned=True, puff=1.3, gloss=0.45),
            Part(bed, "beige", patterned=False, puff=-0.5, lift=0.0),
            Seam((*bed, bed[0]), 1.2, 0.4),
            Part(
                path(
                    f"M {x} 92 C {x - 8} 82 {x - 17} 84 {x - 16} 92 C {x - 17} 100 {x - 8} 101 "
                    f"{x} 93 C {x + 8} 101 {x + 17} 100 {x + 16} 92 C {x + 17} 84 {x + 8} 82 {x} "
                    "92 Z"
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
    upper = path(
        "M 34 186 C 28 168 31 148 36 138 C 40 130 47 130 53 134 C 66 145 84 149 100 146 "
        "C 110 141 117 132 128 129 C 152 134 172 148 196 156 C 216 162 230 170 231 186 Z"
    )
    far = path(
        "M 38 138 C 48 126 60 132 72 131 C 92 128 110 124 128 129 C 118 134 110 142 100 147 "
        "C 84 151 66 146 53 135 Z"
    )
    tongue = path("M 98 148 C 104 134 114 120 130 116 C 139 119 142 126 148 138 L 120 156 Z")
    strap = path("M 104 186 C 108 166 118 150 134 140 L 152 144 C 138 154 128 168 124 186 Z")
    apron = path("M 146 139 C 166 142 190 148 208 162 C 202 168 178 168 152 162")
    sole = path(
        "M 31 182 C 90 186 170 186 233 180 C 237 185 236 192 231 194 L 98 195 L 94 205 L 42 205 "
        "C 34 202 31 192 31 182 Z"
    )
    return (
        Part(far, "beige", patterned=False, puff=0.3, lift=0.2, tone=0.86),
        Part(tongue, "deep", patterned=False, puff=0.8, lift=0.5),
        Part(upper, texture=cut.texture, puff=1.2, gloss=0.5 if cut.texture == "leather" else 0.1),
        Seam(apron, 1.6, 0.45),
        Seam(tuple((x, y + 3) for x, y in apron), 0.7, 0.3, dash=2.4),
        Part(strap, "deep", patterned=False, puff=0.6, lift=0.8, gloss=0.3, clip=upper),
        Part(path("M 120 163 Q 128 152 140 146"), "metal", stroke=4.0, lift=0.7, gloss=0.5),
        Seam(path("M 62 140 C 66 156 67 170 65 184"), 0.8, 0.28),
        Part(sole, "rubber", patterned=False, puff=0.7, lift=0.5),
        Seam(path("M 32 187 C 90 191 170 191 234 185"), 0.7, 0.25),
    )
