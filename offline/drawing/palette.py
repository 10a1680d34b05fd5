"""The named colours of the drawn catalogue, and the dyes of one garment."""

import colorsys

import numpy as np

from offline.drawing.paint import Colour

# Centres of the named colours; a test measures that drawn garments lie nearest to their own.
COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (36, 36, 40),
    "white": (246, 246, 244),
    "grey": (146, 148, 152),
    "navy": (36, 48, 88),
    "blue": (44, 98, 190),
    "sky": (150, 196, 232),
    "teal": (24, 122, 124),
    "green": (48, 140, 78),
    "olive": (112, 114, 58),
    "yellow": (240, 202, 66),
    "orange": (234, 124, 44),
    "red": (200, 38, 44),
    "burgundy": (112, 28, 48),
    "pink": (240, 160, 184),
    "purple": (112, 62, 150),
    "lilac": (194, 172, 222),
    "brown": (112, 74, 48),
    "beige": (216, 194, 160),
}

# What goes well with a colour as the second of a pattern.
PARTNERS: dict[str, tuple[str, ...]] = {
    "black": ("white", "grey", "red", "beige"),
    "white": ("navy", "black", "red", "blue", "teal", "pink"),
    "grey": ("white", "black", "navy", "burgundy"),
    "navy": ("white", "red", "sky", "beige"),
    "blue": ("white", "navy", "yellow"),
    "sky": ("white", "navy", "blue"),
    "teal": ("white", "navy", "yellow", "beige"),
    "green": ("white", "navy", "yellow"),
    "olive": ("beige", "black", "white"),
    "yellow": ("white", "navy", "grey"),
    "orange": ("white", "navy", "brown"),
    "red": ("white", "navy", "black"),
    "burgundy": ("beige", "white", "pink"),
    "pink": ("white", "red", "burgundy"),
    "purple": ("white", "lilac", "yellow"),
    "lilac": ("white", "purple", "navy"),
    "brown": ("beige", "white", "orange"),
    "beige": ("brown", "white", "navy", "burgundy"),
}

_FLOWERS: tuple[tuple[int, int, int], ...] = (
    (238, 232, 222),
    (232, 120, 140),
    (240, 180, 80),
    (150, 170, 220),
    (214, 70, 70),
    (250, 250, 246),
)
_LEAVES: tuple[tuple[int, int, int], ...] = ((70, 112, 72), (104, 132, 90), (52, 86, 74))
_BUTTONS: tuple[tuple[int, int, int], ...] = ((232, 226, 214), (60, 52, 48), (150, 112, 74))
_METALS: tuple[tuple[int, int, int], ...] = ((200, 168, 104), (176, 180, 186))


def _unit(rgb: tuple[int, int, int]) -> Colour:
    return rgb[0] / 255, rgb[1] / 255, rgb[2] / 255


def vary(name: str, rng: np.random.Generator) -> Colour:
    """Returns a shade of a named colour: near its centre, never the same twice."""
    hue, light, chroma = colorsys.rgb_to_hls(*_unit(COLOURS[name]))
    hue += float(rng.normal(0, 0.008))
    light = float(np.clip(light + rng.normal(0, 0.016), 0.10, 0.97))
    chroma = float(np.clip(chroma * (1 + rng.normal(0, 0.06)), 0.0, 1.0))
    return colorsys.hls_to_rgb(hue % 1.0, light, chroma)


def darker(colour: Colour, factor: float) -> Colour:
    """Scales the light of a colour; a factor over 1 lightens towards white."""
    if factor <= 1:
        return colour[0] * factor, colour[1] * factor, colour[2] * factor
    gap = factor - 1
    return tuple(part + (1 - part) * gap for part in colour)  # type: ignore[return-value]


def dyes(name: str, *, pattern: str, rng: np.random.Generator) -> dict[str, Colour]:
    """Returns the colours of every role of a garment whose named colour is ``name``."""
    main = vary(name, rng)
    partners = PARTNERS[name]
    partner = vary(partners[int(rng.integers(len(partners)))], rng)
    third = vary(partners[int(rng.integers(len(partners)))], rng)
    second = partner
    if pattern == "floral":
        choices = [flower for flower in _FLOWERS if _apart(_unit(flower), main) > 0.42]
        second = _unit(choices[int(rng.integers(len(choices)))])
        third = _unit((236, 190, 84)) if _apart(second, _unit((236, 190, 84))) > 0.3 else main
    bright = sum(main) / 3
    return {
        "main": main,
        "second": second,
        "third": third,
        "leaf": _unit(_LEAVES[int(rng.integers(len(_LEAVES)))]),
        "inner": darker(main, 0.52 if bright > 0.3 else 0.62),
        "deep": darker(main, 0.80),
        "pale": darker(main, 1.14) if bright < 0.85 else darker(main, 0.95),
        "trim": partner,
        "button": _unit(_BUTTONS[int(rng.integers(len(_BUTTONS)))]),
        "metal": _unit(_METALS[int(rng.integers(len(_METALS)))]),
        "sole": _unit((242, 240, 234)),
        "rubber": _unit((58, 50, 46)),
        "lace": _unit((244, 243, 240)) if bright < 0.8 else darker(main, 0.86),
        "stitch": _unit((206, 158, 92)),
        "leather": _unit((124, 80, 50)),
        "beige": _unit((222, 204, 176)),
    }


def _apart(one: Colour, two: Colour) -> float:
    return float(np.linalg.norm(np.subtract(one, two)))
