"""Names the kinds of garments that can be drawn, and draws each to one scale."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from offline.drawing.bags import bag
from offline.drawing.coats import coat
from offline.drawing.cut import Cut
from offline.drawing.dresses import dress, skirt
from offline.drawing.hats import hat
from offline.drawing.jackets import jacket
from offline.drawing.outline import CENTRE, Drawing, Fold, Item, Outline, Seam
from offline.drawing.scarves import scarf
from offline.drawing.shoes import shoes
from offline.drawing.tops import knitwear, shirt, t_shirt
from offline.drawing.trousers import jeans, shorts, trousers

Draw = Callable[[Cut, np.random.Generator], Drawing]

# How each kind is drawn, and by how much it is widened and heightened to fill the square.
GARMENTS: dict[str, tuple[Draw, float, float]] = {
    "dress": (dress, 1.14, 0.99),
    "t-shirt": (t_shirt, 1.24, 1.12),
    "shirt": (shirt, 1.22, 1.12),
    "knitwear": (knitwear, 1.22, 1.12),
    "jacket": (jacket, 1.22, 1.14),
    "coat": (coat, 1.12, 1.0),
    "jeans": (jeans, 1.1, 1.0),
    "trousers": (trousers, 1.1, 1.0),
    "skirt": (skirt, 1.08, 1.06),
    "shorts": (shorts, 1.2, 1.2),
    "shoes": (shoes, 1.0, 1.0),
    "bag": (bag, 1.0, 1.0),
    "hat": (hat, 1.0, 1.0),
    "scarf": (scarf, 1.05, 1.0),
}

KINDS = tuple(GARMENTS)


def drawing_of(cut: Cut, seed: int) -> Drawing:
    """Draws a cut; equal arguments give equal drawings."""
    draw, wide, high = GARMENTS[cut.kind]
    drawing = draw(cut, np.random.default_rng(seed))
    return tuple(_scaled(item, wide, high) for item in drawing)


def _scaled(item: Item, wide: float, high: float) -> Item:
    def move(outline: Outline) -> Outline:
        return tuple(
            (CENTRE + (x - CENTRE) * wide, CENTRE + (y - CENTRE) * high) for x, y in outline
        )

    if isinstance(item, Seam):
        return replace(item, spine=move(item.spine))
    return replace(
        item,
        outline=move(item.outline),
        clip=move(item.clip),
        folds=tuple(Fold(move(fold.spine), fold.width * wide, fold.depth) for fold in item.folds),
    )
