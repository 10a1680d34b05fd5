"""Chooses the styles of the drawn shop: cut, cloth, brand, price, and the colours it comes in."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from offline.demo_cut import Cut
from offline.demo_palette import COLOURS
from offline.demo_ranges import RANGES, Model, Range


@dataclass(frozen=True, slots=True)
class Brand:
    """An invented brand: its price level (1 is the middle) and what it is known for."""

    name: str
    level: float
    trait: str


BRANDS = (
    Brand("Nordholm", 1.25, "quiet Scandinavian lines"),
    Brand("Ada & Finch", 1.10, "prints drawn by hand"),
    Brand("Corvo", 1.60, "sharp tailoring"),
    Brand("Maren", 0.95, "easy shapes for long days"),
    Brand("Blue Harbour Co.", 1.00, "sea-washed cotton"),
    Brand("Juniper Row", 0.90, "soft colours"),
    Brand("Velloti", 2.10, "Italian mills"),
    Brand("Kite", 0.55, "good basics at small prices"),
    Brand("Oakline", 1.15, "cloth that lasts"),
    Brand("Sunday Press", 0.80, "weekend wear"),
    Brand("Tamsin Grey", 1.70, "clean cuts"),
    Brand("Lumo", 0.65, "bright everyday pieces"),
    Brand("Harrow & Daughters", 1.45, "British wool"),
    Brand("Pico", 0.50, "fun for little money"),
    Brand("Solène", 1.85, "Paris afternoons"),
    Brand("Fjellvik", 1.35, "gear for real weather"),
    Brand("Arden Lane", 1.05, "modern classics"),
    Brand("Mika Sato", 1.95, "calm geometry"),
    Brand("Common Thread", 0.75, "recycled fibres"),
    Brand("Rosalind", 1.20, "a little romance"),
)

# Cloth that seldom comes in every colour.
_DENIM_COLOURS = ("blue", "navy", "sky", "black", "grey", "white")
_EARTHY = ("black", "brown", "burgundy", "navy", "beige", "grey", "olive", "red")
_COAT_COLOURS = ("black", "navy", "grey", "beige", "brown", "burgundy", "olive", "red", "teal")
_STRAW_COLOURS = ("beige", "brown", "white", "black")


@dataclass(frozen=True, slots=True)
class Style:
    """One style and what its colour variants share; ``variants`` are names of colours."""

    id: str
    number: int
    cut: Cut
    noun_choice: int
    pattern: str
    variety: int
    material: str
    season: str
    occasion: str
    brand: Brand
    price_minor: int
    variants: tuple[str, ...]
    first_product: int
    seed: int

    @property
    def model(self) -> Model:
        """What the shop knows of the style's shape."""
        return RANGES[self.cut.kind].models[self.cut.model]

    @property
    def range(self) -> Range:
        """What the shop knows of the style's kind."""
        return RANGES[self.cut.kind]


def draw_styles(products: int, seed: int) -> list[Style]:
    """Draws styles until their variants make up ``products``; equal arguments, equal styles."""
    styles: list[Style] = []
    made = 0
    while made < products:
        number = len(styles) + 1
        rng = np.random.default_rng([seed, number])
        style = _style(number, made + 1, products - made, rng)
        styles.append(style)
        made += len(style.variants)
    return styles


def _style(number: int, first_product: int, room: int, rng: np.random.Generator) -> Style:
    kinds = tuple(RANGES)
    # The first styles show one of each kind, so that the smallest shop has them all.
    kind = (
        kinds[number - 1]
        if number <= len(kinds)
        else pick({name: shelf.share for name, shelf in RANGES.items()}, rng)
    )
    models = RANGES[kind].models
    key = pick({name: model.share for name, model in models.items()}, rng)
    model = models[key]
    material = pick({name: 1.0 for name in model.materials}, rng)
    pattern = pick(model.patterns, rng)
    cut = Cut(
        kind=kind,
        model=key,
        sleeve=pick(model.sleeves, rng),
        length=pick(model.lengths, rng),
        neckline=pick(model.necklines, rng),
        fit=pick(model.fits, rng),
        gender=pick(model.genders, rng),
        texture=model.materials[material],
    )
    brand = BRANDS[int(rng.integers(len(BRANDS)))]
    return Style(
        id=f"s-{number:04d}",
        number=number,
        cut=cut,
        noun_choice=int(rng.integers(1 << 16)),
        pattern=pattern,
        variety=int(rng.integers(6)),
        material=material,
        season=pick(model.seasons, rng),
        occasion=model.occasions[int(rng.integers(len(model.occasions)))],
        brand=brand,
        price_minor=_price(model.price * brand.level, rng),
        variants=_variants(
            cut, material, min(room, int(rng.choice((2, 3, 4), p=(0.6, 0.3, 0.1)))), rng
        ),
        first_product=first_product,
        seed=int(rng.integers(1 << 31)),
    )


def pick(odds: Mapping[str, float], rng: np.random.Generator) -> str:
    """Draws one name by its odds; no odds give the empty word."""
    if not odds:
        return ""
    names = tuple(odds)
    weights = np.array([odds[name] for name in names])
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def _price(euros: float, rng: np.random.Generator) -> int:
    """Rounds a price as shops do: to 4.99, 39.95 or 129.00."""
    euros = max(5.0, euros * float(rng.lognormal(0.0, 0.16)))
    if euros >= 100:
        return int(round(euros / 10) * 10 - 1) * 100
    return int(round(euros)) * 100 - (5 if rng.random() < 0.5 else 1)


def _variants(cut: Cut, material: str, count: int, rng: np.random.Generator) -> tuple[str, ...]:
    names = tuple(COLOURS)
    if "denim" in material:
        names = _DENIM_COLOURS
    elif material == "straw":
        names = _STRAW_COLOURS
    elif cut.kind == "coat" and cut.model != "puffer":
        names = _COAT_COLOURS
    elif cut.texture == "leather" and rng.random() < 0.75:
        names = _EARTHY
    order = rng.permutation(len(names))
    return tuple(names[int(at)] for at in order[:count])
