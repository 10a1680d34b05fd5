"""Writes what the drawn shop says of a product: titles and descriptions, never in one mould."""

import numpy as np

from offline.demo_styles import Style

# Other words for the colours, as merchants use them.
_COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "black": ("jet black", "black"),
    "white": ("optic white", "ivory", "white"),
    "grey": ("gray", "slate grey", "grey"),
    "navy": ("navy blue", "dark blue", "midnight"),
    "blue": ("cobalt", "royal blue", "blue"),
    "sky": ("sky blue", "light blue", "pale blue"),
    "teal": ("petrol", "teal"),
    "green": ("emerald", "bottle green", "green"),
    "olive": ("khaki", "olive green"),
    "yellow": ("mustard", "lemon", "yellow"),
    "orange": ("tangerine", "rust", "orange"),
    "red": ("scarlet", "cherry red", "red"),
    "burgundy": ("wine red", "bordeaux", "burgundy"),
    "pink": ("rose", "blush pink", "pink"),
    "purple": ("violet", "plum", "purple"),
    "lilac": ("lavender", "lilac"),
    "brown": ("chocolate", "cognac", "brown"),
    "beige": ("sand", "camel", "beige"),
}
_LENGTH_WORDS: dict[str, tuple[str, ...]] = {
    "mini": ("mini",),
    "midi": ("midi",),
    "maxi": ("maxi", "floor-length"),
    "knee": ("knee-length",),
    "cropped": ("cropped", "crop"),
}
_SLEEVE_WORDS: dict[str, tuple[str, ...]] = {
    "sleeveless": ("sleeveless",),
    "short": ("short-sleeve", "short sleeved"),
    "long": ("long-sleeve", "long sleeved"),
}
_NECK_WORDS: dict[str, tuple[str, ...]] = {
    "v-neck": ("v-neck",),
    "crew": ("crew neck", "round-neck"),
    "scoop": ("scoop-neck",),
}
_GENDER_WORDS = {"women": "women's", "men": "men's", "unisex": "unisex"}
_FIT_WORDS = {"slim": "slim-fit", "relaxed": "relaxed"}
_OCCASION_WORDS = {
    "everyday": "every day",
    "work": "the office",
    "party": "parties",
    "weekend": "the weekend",
    "holiday": "holidays",
    "wedding guest": "weddings",
    "travel": "travelling",
    "outdoor": "the outdoors",
}
_WASHABLE = ("t-shirt", "shirt", "dress", "skirt", "shorts", "trousers", "jeans")
_TAILS = {
    "sleeveless": "no sleeves",
    "short": "short sleeves",
    "long": "long sleeves",
    "v-neck": "a v-neck",
    "turtleneck": "a turtleneck",
    "collar": "a collar",
    "crew": "a crew neckline",
    "scoop": "a scoop neckline",
    "lapel": "lapels",
    "cropped": "a cropped length",
    "knee": "a hem at the knee",
    "mini": "a mini length",
    "midi": "a midi length",
    "maxi": "a maxi length",
    "striped": "stripes",
    "checked": "a checked pattern",
    "dotted": "polka dots",
    "floral": "a floral print",
}


def title(style: Style, colour: str, rng: np.random.Generator) -> str:
    """Writes a title of 2 to 8 words; brand, colour, gender and cut appear in some only."""
    words: list[str] = []
    if rng.random() < 0.22:
        words.append(style.brand.name)
    if rng.random() < 0.22:
        words.append(_GENDER_WORDS[style.cut.gender])
    coloured = rng.random() < 0.78
    behind = coloured and rng.random() < 0.25
    if coloured and not behind:
        words.append(_colour_word(colour, rng))
    noun = _noun(style, rng)
    words += [detail for detail in _details(style, rng) if detail not in noun] + [noun]
    if len(words) == 1:  # a noun alone would be no title
        words.insert(0, style.brand.name)
    text = " ".join(words)
    if behind:
        text += _one((" in ", " – "), rng) + _colour_word(colour, rng)
    return _capital(text)


def description(style: Style, colour: str, rng: np.random.Generator) -> str:
    """Writes one or two sentences that tell the cloth and some of the cut."""
    noun = _noun(style, rng)
    plural = noun.endswith("s") and not noun.endswith("ss")
    thing = f"{_colour_word(colour, rng)} {noun}" if rng.random() < 0.35 else noun
    article = "" if plural else "an " if thing[0] in "aeiou" else "a "
    cloth = "" if style.material in thing else f" in {style.material}"
    openings = (
        f"{'These' if plural else 'This'} {thing} {'are' if plural else 'is'} made of "
        f"{style.material}",
        f"{style.brand.name}'s {thing}{cloth}",
        f"{'Easy' if plural else 'An easy'} {thing}{cloth}",
        f"Made for {_occasion(style)}: {article}{thing}{cloth}",
        f"A favourite {_season(style)}: our {thing}{cloth}",
    )
    tails = _tails(style, rng)
    text = _one(openings, rng) + (f" with {' and '.join(tails)}" if tails else "") + "."
    if rng.random() < 0.7:
        text += " " + _one(_closings(style), rng)
    return _capital(text)


def _details(style: Style, rng: np.random.Generator) -> list[str]:
    cut = style.cut
    details: list[str] = []
    if style.pattern != "plain" and rng.random() < 0.85:
        details.append(_pattern_word(style, rng))
    choices: list[str] = []
    if cut.length in _LENGTH_WORDS:
        choices += [_one(_LENGTH_WORDS[cut.length], rng)] * 2
    if cut.sleeve in _SLEEVE_WORDS and cut.kind in ("dress", "t-shirt", "shirt"):
        choices.append(_one(_SLEEVE_WORDS[cut.sleeve], rng))
    if cut.neckline in _NECK_WORDS and cut.kind in ("dress", "t-shirt", "knitwear"):
        choices.append(_one(_NECK_WORDS[cut.neckline], rng))
    if cut.fit in _FIT_WORDS and cut.kind not in ("dress", "skirt") and rng.random() < 0.5:
        choices.append(_FIT_WORDS[cut.fit])
    choices.append(style.material)
    count = min(len(choices), int(rng.choice((0, 1, 2), p=(0.2, 0.55, 0.25))))
    for at in sorted(int(place) for place in rng.permutation(len(choices))[:count]):
        if choices[at] not in details:
            details.append(choices[at])
    return details


def _tails(style: Style, rng: np.random.Generator) -> list[str]:
    cut = style.cut
    tails = [
        _TAILS[word]
        for word in (cut.sleeve, cut.neckline, style.pattern, cut.length)
        if word in _TAILS and not (cut.model == "tank" and word == "sleeveless")
    ]
    order = rng.permutation(len(tails))[: int(rng.integers(1, 3))]
    return [tails[at] for at in sorted(int(place) for place in order)]


def _closings(style: Style) -> tuple[str, ...]:
    closings = [
        f"{style.brand.name} is known for {style.brand.trait}.",
        f"Wear it {_season(style)}." if style.season != "all year" else "Good all year round.",
        f"Made with {_occasion(style)} in mind.",
        "Designed to be worn for years.",
    ]
    if style.cut.fit != "regular":
        closings.append(f"Comes in a {style.cut.fit} fit.")
    if style.cut.kind in _WASHABLE and style.cut.texture != "leather":
        closings.append("Machine washable at 30 degrees.")
    return tuple(closings)


def _pattern_word(style: Style, rng: np.random.Generator) -> str:
    """Returns a word that suits how the pattern is drawn (see the varieties of the patterns)."""
    words = {
        "striped": ("striped", "stripe", "pinstripe" if style.variety == 1 else "striped"),
        "checked": ("checked", "check", "plaid" if style.variety % 2 else "gingham"),
        "dotted": ("dotted", "polka dot", "spotted"),
        "floral": ("floral", "flower-print", "floral print"),
    }
    return _one(words[style.pattern], rng)


def _colour_word(colour: str, rng: np.random.Generator) -> str:
    """Returns the colour's name, or one time in four another word for it."""
    return _one(_COLOUR_WORDS[colour], rng) if rng.random() < 0.25 else colour


def _noun(style: Style, rng: np.random.Generator) -> str:
    """Returns the style's own name, or one time in four another one of its shape."""
    return _one(style.nouns, rng) if rng.random() < 0.25 else style.nouns[0]


def _occasion(style: Style) -> str:
    return _OCCASION_WORDS.get(style.occasion, style.occasion)


def _season(style: Style) -> str:
    return f"in {style.season}" if style.season != "all year" else "all year"


def _one(words: tuple[str, ...], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
