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
_PATTERN_WORDS: dict[str, tuple[str, ...]] = {
    "striped": ("striped", "stripe", "Breton-stripe", "pinstripe"),
    "checked": ("checked", "check", "plaid", "gingham"),
    "dotted": ("dotted", "polka dot", "spotted"),
    "floral": ("floral", "flower-print", "botanical-print", "floral print"),
}
_LENGTH_WORDS = {
    "mini": ("mini",),
    "midi": ("midi",),
    "maxi": ("maxi", "floor-length"),
    "knee": ("knee-length",),
    "cropped": ("cropped", "crop"),
}
_SLEEVE_WORDS = {
    "sleeveless": ("sleeveless",),
    "short": ("short-sleeve", "short sleeved"),
    "long": ("long-sleeve", "long sleeved"),
}
_NECK_WORDS = {"v-neck": ("v-neck",), "crew": ("crew neck", "round-neck"), "scoop": ("scoop-neck",)}
_GENDER_WORDS = {"women": "women's", "men": "men's", "unisex": "unisex"}
_FIT_WORDS = {"slim": "slim-fit", "relaxed": "relaxed"}


def _one(words: tuple[str, ...], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]


def colour_word(colour: str, rng: np.random.Generator) -> str:
    """Returns the colour's name, or one time in four another word for it."""
    return _one(_COLOUR_WORDS[colour], rng) if rng.random() < 0.25 else colour


def pattern_word(style: Style, rng: np.random.Generator) -> str:
    """Returns a word for the pattern that suits how it was drawn; empty for plain."""
    words = _PATTERN_WORDS.get(style.pattern)
    if words is None:
        return ""
    if style.pattern == "striped":
        upright = style.variety in (1, 3)
        words = (
            ("striped", "stripe", "pinstripe")
            if upright
            else ("striped", "stripe", "Breton-stripe")
        )
    if style.pattern == "checked":
        words = (
            ("checked", "check", "gingham")
            if style.variety % 2 == 0
            else ("checked", "check", "plaid", "tartan")
        )
    return _one(words, rng)


def noun_of(style: Style, rng: np.random.Generator) -> str:
    """Returns one of the names of the style's shape, mostly the style's own."""
    nouns = style.model.nouns
    if rng.random() < 0.7:
        return nouns[style.noun_choice % len(nouns)]
    return _one(nouns, rng)


def title(style: Style, colour: str, rng: np.random.Generator) -> str:
    """Writes a title: 3 to 8 words; brand, colour, gender and cut appear in some only."""
    cut = style.cut
    words: list[str] = []
    if rng.random() < 0.22:
        words.append(style.brand.name)
    if rng.random() < 0.22:
        words.append(_GENDER_WORDS[cut.gender])
    coloured = rng.random() < 0.78
    behind = coloured and rng.random() < 0.25
    if coloured and not behind:
        words.append(colour_word(colour, rng))
    details = _details(style, rng)
    words += details
    words.append(noun_of(style, rng))
    text = " ".join(word for word in words if word)
    if behind:
        text += _one((" in ", " – "), rng) + colour_word(colour, rng)
    elif cut.neckline == "v-neck" and "v-neck" not in text and rng.random() < 0.3:
        text += " with v-neck"
    return text[0].upper() + text[1:]


def _details(style: Style, rng: np.random.Generator) -> list[str]:
    cut = style.cut
    details: list[str] = []
    if style.pattern != "plain" and rng.random() < 0.85:
        details.append(pattern_word(style, rng))
    choices: list[str] = []
    if cut.length in _LENGTH_WORDS:
        choices += [_one(_LENGTH_WORDS[cut.length], rng)] * 2
    if (
        cut.sleeve in _SLEEVE_WORDS
        and cut.kind not in ("jacket", "coat", "knitwear")
        and cut.model != "tank"
    ):
        choices.append(_one(_SLEEVE_WORDS[cut.sleeve], rng))
    if cut.neckline in _NECK_WORDS and cut.kind != "jacket" and cut.model != "cardigan":
        choices.append(_one(_NECK_WORDS[cut.neckline], rng))
    if cut.fit in _FIT_WORDS and cut.kind not in ("dress", "skirt") and rng.random() < 0.5:
        choices.append(_FIT_WORDS[cut.fit])
    choices.append(style.material)
    count = min(len(choices), int(rng.choice((0, 1, 2), p=(0.2, 0.55, 0.25))))
    for at in sorted(int(i) for i in rng.permutation(len(choices))[:count]):
        if choices[at] not in details:
            details.append(choices[at])
    return details


_OPENINGS = (
    "A {noun} in {material}",
    "This {noun} is made of {material}",
    "{brand}'s {noun} in {material}",
    "An easy {noun} of {material}",
    "Made for {occasion}: a {noun} in {material}",
    "A {season} favourite, the {noun} in {material}",
)
_CLOSINGS = (
    "{brand} is known for {trait}.",
    "Comes in a {fit} fit.",
    "Wear it for {occasion}.",
    "Pairs well with {pairing}.",
    "Machine washable at 30 degrees.",
    "Designed to be worn for years.",
)
_PAIRINGS = (
    "jeans and white sneakers",
    "a plain coat",
    "gold earrings",
    "a leather bag",
    "tailored trousers",
    "boots and a scarf",
    "almost everything",
)


def description(style: Style, colour: str, rng: np.random.Generator) -> str:
    """Writes one or two sentences that name the cut."""
    season = style.season if style.season != "all year" else "year-round"
    slots = {
        "noun": noun_of(style, rng),
        "material": style.material,
        "brand": style.brand.name,
        "trait": style.brand.trait,
        "occasion": f"{style.occasion} wear"
        if style.occasion in ("everyday", "work", "party", "weekend", "holiday")
        else style.occasion,
        "season": season,
        "fit": style.cut.fit,
        "pairing": _one(_PAIRINGS, rng),
    }
    text = _one(_OPENINGS, rng).format(**slots)
    tails = _tails(style, colour, rng)
    text += (" with " + " and ".join(tails) if tails else "") + "."
    text = text[0].upper() + text[1:]
    if rng.random() < 0.7:
        text += " " + _one(_CLOSINGS, rng).format(**slots)
    return text


def _tails(style: Style, colour: str, rng: np.random.Generator) -> list[str]:
    cut = style.cut
    tails: list[str] = []
    if cut.sleeve:
        tails.append("no sleeves" if cut.sleeve == "sleeveless" else f"{cut.sleeve} sleeves")
    if cut.neckline in ("v-neck", "turtleneck", "collar"):
        tails.append(
            {"v-neck": "a v-neck", "turtleneck": "a turtleneck", "collar": "a collar"}[cut.neckline]
        )
    elif cut.neckline in ("crew", "scoop"):
        tails.append(f"a {cut.neckline} neckline")
    if style.pattern != "plain":
        tails.append(
            {
                "striped": "stripes",
                "checked": "a checked pattern",
                "dotted": "polka dots",
                "floral": "a floral print",
            }[style.pattern]
        )
    if cut.length in ("mini", "midi", "maxi", "knee", "cropped"):
        tails.append(
            {"cropped": "a cropped length", "knee": "a hem at the knee"}.get(
                cut.length, f"a {cut.length} length"
            )
        )
    order = [int(at) for at in rng.permutation(len(tails))[: int(rng.integers(1, 3))]]
    chosen = [tails[at] for at in sorted(order)]
    if rng.random() < 0.3:
        chosen.append(f"a touch of {colour}")
    return chosen
