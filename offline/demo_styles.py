"""Chooses the styles of the drawn shop: cut, cloth, brand, price, and the colours it comes in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from offline.demo_ranges import Model, Range, read_ranges
from offline.drawing.cut import Cut
from offline.drawing.palette import COLOURS


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
    Brand("Blue Harbour", 1.00, "sea-washed cotton"),
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
# Weaves that are not printed or woven in patterns.
_PLAIN_WEAVES = ("leather", "corduroy", "twill", "straw")


@dataclass(frozen=True, slots=True)
class Style:
    """One style and what its colour variants share; ``variants`` are names of colours."""

    id: str
    cut: Cut
    nouns: tuple[str, ...]  # the first is the style's own
    category: tuple[str, ...]
    sizes: tuple[str, ...]
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


def draw_styles(products: int, seed: int) -> list[Style]:
    """Draws styles until their variants make up ``products``; equal arguments, equal styles."""
    ranges = read_ranges()
    styles: list[Style] = []
    made = 0
    while made < products:
        number = len(styles) + 1
        rng = np.random.default_rng([seed, number])
        style = _style(ranges, number, made + 1, rng)
        style = replace(style, variants=style.variants[: products - made])
        styles.append(style)
        made += len(style.variants)
    return styles


def _style(
    ranges: Mapping[str, Range], number: int, first_product: int, rng: np.random.Generator
) -> Style:
    # The first styles show one of each kind, so that the smallest shop has them all.
    kinds = tuple(ranges)
    odds = {kind: shelf.share for kind, shelf in ranges.items()}
    kind = kinds[number - 1] if number <= len(kinds) else pick(odds, rng)
    shelf = ranges[kind]
    name = pick({name: model.share for name, model in shelf.models.items()}, rng)
    model = shelf.models[name]
    material = pick(dict.fromkeys(model.materials, 1.0), rng)
    cut = _cut(kind, name, model, material, rng)
    pattern = pick(model.patterns, rng)
    if cut.texture in _PLAIN_WEAVES:
        pattern = "plain"
    brand = BRANDS[int(rng.integers(len(BRANDS)))]
    people = {"women": "Women", "men": "Men"}.get(cut.gender, "Unisex")
    return Style(
        id=f"s-{number:04d}",
        cut=cut,
        nouns=tuple(model.nouns[int(at)] for at in rng.permutation(len(model.nouns))),
        category=(people, shelf.shelf),
        sizes=shelf.mens_sizes if cut.gender == "men" else shelf.sizes,
        pattern=pattern,
        variety=int(rng.integers(6)),
        material=material,
        season=pick(model.seasons, rng),
        occasion=model.occasions[int(rng.integers(len(model.occasions)))],
        brand=brand,
        price_minor=_price(model.price * brand.level, rng),
        variants=_variants(cut, material, int(rng.choice((2, 3, 4), p=(0.6, 0.3, 0.1))), rng),
        first_product=first_product,
        seed=int(rng.integers(1 << 31)),
    )


def _cut(kind: str, name: str, model: Model, material: str, rng: np.random.Generator) -> Cut:
    return Cut(
        kind=kind,
        model=name,
        sleeve=pick(model.sleeves, rng),
        length=pick(model.lengths, rng),
        neckline=pick(model.necklines, rng),
        fit=pick(model.fits, rng),
        gender=pick(model.genders, rng),
        texture=model.materials[material],
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
        return (round(euros / 10) * 10 - 1) * 100
    return round(euros) * 100 - (5 if rng.random() < 0.5 else 1)


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
