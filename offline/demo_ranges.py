"""What the drawn shop sells: for each kind its cuts, cloths, prices and names."""

from dataclasses import dataclass, field

CLOTHES = ("XS", "S", "M", "L", "XL", "XXL")
WAISTS = ("W26", "W28", "W30", "W32", "W34", "W36")
WOMENS_SHOES = ("36", "37", "38", "39", "40", "41")
MENS_SHOES = ("40", "41", "42", "43", "44", "45", "46")
ONE_SIZE = ("One size",)

Odds = dict[str, float]


@dataclass(frozen=True, slots=True)
class Model:
    """One shape within a kind: its names in titles, its cloths, and its price in euros.

    ``textures`` maps a weave to the materials it stands for; ``odds`` of patterns fall to plain
    where a shape does not wear them; ``price`` is that of a middle brand.
    """

    nouns: tuple[str, ...]
    share: float
    price: float
    materials: dict[str, str]  # material -> texture
    patterns: Odds = field(default_factory=lambda: {"plain": 1.0})
    genders: Odds = field(default_factory=lambda: {"women": 0.55, "men": 0.45})
    sleeves: Odds = field(default_factory=dict[str, float])
    lengths: Odds = field(default_factory=dict[str, float])
    necklines: Odds = field(default_factory=dict[str, float])
    fits: Odds = field(default_factory=lambda: {"slim": 0.3, "regular": 0.45, "relaxed": 0.25})
    seasons: Odds = field(default_factory=lambda: {"all year": 1.0})
    occasions: tuple[str, ...] = ("everyday",)


@dataclass(frozen=True, slots=True)
class Range:
    """One kind: its share of the shop, its shelf, its sizes and its shapes."""

    share: float
    shelf: str
    sizes: tuple[str, ...]
    models: dict[str, Model]


_PRINTS = {"plain": 0.40, "striped": 0.17, "checked": 0.13, "dotted": 0.13, "floral": 0.17}
_TEES = {"plain": 0.52, "striped": 0.28, "dotted": 0.10, "floral": 0.10}
_SHIRTS = {"plain": 0.32, "striped": 0.22, "checked": 0.26, "dotted": 0.10, "floral": 0.10}
_KNITS = {"plain": 0.72, "striped": 0.24, "dotted": 0.04}
_WARM = {"spring": 0.3, "summer": 0.7}
_COLD = {"autumn": 0.4, "winter": 0.6}
_MILD = {"spring": 0.45, "autumn": 0.55}
_WOMEN = {"women": 1.0}
_COTTONS = {"cotton": "", "organic cotton": "", "linen": "", "viscose": ""}
_HEMS = {"mini": 0.27, "knee": 0.30, "midi": 0.18, "maxi": 0.25}


def _dress(noun: tuple[str, ...], share: float, price: float, fits: Odds) -> Model:
    return Model(
        noun,
        share,
        price,
        {"cotton": "", "viscose": "", "linen": "", "crepe": "", "satin": ""},
        _PRINTS,
        _WOMEN,
        {"sleeveless": 0.4, "short": 0.35, "long": 0.25},
        _HEMS,
        {"crew": 0.35, "v-neck": 0.35, "scoop": 0.3},
        fits,
        {"spring": 0.25, "summer": 0.5, "autumn": 0.15, "winter": 0.1},
        ("everyday", "party", "work", "holiday", "wedding guest"),
    )


def _knit(nouns: tuple[str, ...], share: float, price: float, necklines: Odds) -> Model:
    return Model(
        nouns,
        share,
        price,
        {
            "wool": "knit",
            "merino wool": "rib",
            "cotton knit": "knit",
            "cashmere": "knit",
            "lambswool": "cable",
        },
        _KNITS,
        sleeves={"long": 1.0},
        necklines=necklines,
        seasons=_COLD,
        occasions=("everyday", "work", "weekend"),
    )


def _jacket(
    nouns: tuple[str, ...],
    share: float,
    price: float,
    materials: dict[str, str],
    patterns: Odds,
    neck: str,
) -> Model:
    return Model(
        nouns,
        share,
        price,
        materials,
        patterns,
        sleeves={"long": 1.0},
        necklines={neck: 1.0},
        seasons=_MILD,
        occasions=("everyday", "work", "weekend"),
    )


def _legs(
    nouns: tuple[str, ...],
    share: float,
    price: float,
    materials: dict[str, str],
    patterns: Odds,
    genders: Odds,
    fit: str,
) -> Model:
    return Model(
        nouns,
        share,
        price,
        materials,
        patterns,
        genders,
        lengths={"full length": 0.8, "cropped": 0.2},
        fits={fit: 1.0},
        occasions=("everyday", "work", "weekend"),
    )


def _shoe(
    nouns: tuple[str, ...],
    share: float,
    price: float,
    materials: dict[str, str],
    genders: Odds,
    seasons: Odds,
    occasions: tuple[str, ...],
    patterns: Odds | None = None,
) -> Model:
    return Model(
        nouns,
        share,
        price,
        materials,
        patterns or {"plain": 1.0},
        genders,
        fits={"regular": 1.0},
        seasons=seasons,
        occasions=occasions,
    )


def _carried(
    nouns: tuple[str, ...],
    share: float,
    price: float,
    materials: dict[str, str],
    patterns: Odds,
    genders: Odds,
    seasons: Odds,
) -> Model:
    return Model(
        nouns,
        share,
        price,
        materials,
        patterns,
        genders,
        fits={"regular": 1.0},
        seasons=seasons,
        occasions=("everyday", "travel", "weekend"),
    )


_ANY = {"all year": 1.0}
_DENIM = {"denim": "twill", "organic denim": "twill", "stretch denim": "twill"}
_CLOTH = {"cotton twill": "", "wool blend": "", "linen": "", "viscose": ""}
_BOTH = {"women": 0.5, "men": 0.5}
_UNISEX = {"women": 0.3, "men": 0.3, "unisex": 0.4}

RANGES: dict[str, Range] = {
    "dress": Range(
        0.13,
        "Dresses",
        CLOTHES,
        {
            "a-line": _dress(
                ("dress", "a-line dress", "day dress"),
                0.4,
                59,
                {"slim": 0.4, "regular": 0.4, "relaxed": 0.2},
            ),
            "flared": _dress(
                ("dress", "skater dress", "swing dress", "sundress"),
                0.35,
                64,
                {"regular": 0.6, "relaxed": 0.4},
            ),
            "fitted": _dress(("dress", "bodycon dress", "sheath dress"), 0.25, 69, {"slim": 1.0}),
        },
    ),
    "t-shirt": Range(
        0.12,
        "T-shirts & Tops",
        CLOTHES,
        {
            "": Model(
                ("T-shirt", "tee", "t-shirt", "T shirt"),
                0.6,
                19,
                _COTTONS,
                _TEES,
                sleeves={"short": 0.72, "long": 0.28},
                lengths={"regular": 0.85, "cropped": 0.15},
                necklines={"crew": 0.5, "v-neck": 0.3, "scoop": 0.2},
                seasons=_WARM,
                occasions=("everyday", "sport", "weekend"),
            ),
            "pocket": Model(
                ("pocket tee", "T-shirt with pocket"),
                0.18,
                22,
                _COTTONS,
                _TEES,
                sleeves={"short": 1.0},
                lengths={"regular": 1.0},
                necklines={"crew": 1.0},
                seasons=_WARM,
            ),
            "tank": Model(
                ("tank top", "sleeveless top", "vest top"),
                0.22,
                16,
                _COTTONS,
                _TEES,
                sleeves={"sleeveless": 1.0},
                lengths={"regular": 1.0},
                necklines={"crew": 0.6, "scoop": 0.4},
                seasons={"summer": 1.0},
                occasions=("everyday", "sport", "holiday"),
            ),
        },
    ),
    "shirt": Range(
        0.10,
        "Shirts & Blouses",
        CLOTHES,
        {
            "": Model(
                ("shirt", "button-up", "button-down shirt"),
                0.65,
                45,
                {"cotton": "", "linen": "", "poplin": "", "flannel": ""},
                _SHIRTS,
                sleeves={"long": 0.72, "short": 0.28},
                necklines={"collar": 1.0},
                occasions=("work", "everyday", "party"),
            ),
            "pocket": Model(
                ("shirt", "overshirt", "work shirt"),
                0.35,
                49,
                {"cotton": "", "oxford cotton": "", "flannel": "", "corduroy": "corduroy"},
                _SHIRTS,
                sleeves={"long": 0.6, "short": 0.4},
                necklines={"collar": 1.0},
                occasions=("everyday", "weekend"),
            ),
        },
    ),
    "knitwear": Range(
        0.09,
        "Knitwear",
        CLOTHES,
        {
            "": _knit(
                ("jumper", "sweater", "pullover", "knit"), 0.5, 59, {"crew": 0.65, "v-neck": 0.35}
            ),
            "turtleneck": _knit(
                ("turtleneck", "roll-neck jumper", "polo-neck sweater"),
                0.25,
                64,
                {"turtleneck": 1.0},
            ),
            "cardigan": _knit(("cardigan", "knitted cardigan"), 0.25, 69, {"v-neck": 1.0}),
        },
    ),
    "jacket": Range(
        0.08,
        "Jackets",
        CLOTHES,
        {
            "blazer": _jacket(
                ("blazer", "tailored jacket"),
                0.35,
                129,
                {"wool blend": "wool", "linen": "", "cotton": ""},
                {"plain": 0.65, "checked": 0.25, "striped": 0.1},
                "lapel",
            ),
            "denim": _jacket(
                ("denim jacket", "jean jacket", "trucker jacket"),
                0.25,
                89,
                _DENIM,
                {"plain": 1.0},
                "collar",
            ),
            "bomber": _jacket(
                ("bomber jacket", "bomber", "zip jacket"),
                0.2,
                79,
                {"nylon": "", "cotton": ""},
                {"plain": 0.85, "floral": 0.15},
                "crew",
            ),
            "biker": _jacket(
                ("biker jacket", "leather jacket"),
                0.2,
                189,
                {"leather": "leather", "vegan leather": "leather"},
                {"plain": 1.0},
                "lapel",
            ),
        },
    ),
    "coat": Range(
        0.06,
        "Coats",
        CLOTHES,
        {
            "overcoat": Model(
                ("coat", "overcoat", "wool coat"),
                0.4,
                199,
                {"wool": "wool", "wool blend": "wool", "cashmere blend": "wool"},
                {"plain": 0.7, "checked": 0.3},
                sleeves={"long": 1.0},
                lengths={"knee": 1.0},
                necklines={"lapel": 1.0},
                seasons=_COLD,
                occasions=("work", "everyday"),
            ),
            "trench": Model(
                ("trench coat", "trench", "belted coat"),
                0.28,
                169,
                {"cotton gabardine": "", "cotton twill": ""},
                {"plain": 1.0},
                sleeves={"long": 1.0},
                lengths={"knee": 1.0},
                necklines={"lapel": 1.0},
                seasons=_MILD,
                occasions=("work", "everyday"),
            ),
            "puffer": Model(
                ("puffer coat", "down coat", "quilted coat", "padded coat"),
                0.32,
                149,
                {"nylon": "", "recycled polyester": ""},
                {"plain": 1.0},
                sleeves={"long": 1.0},
                lengths={"knee": 1.0},
                necklines={"stand-up collar": 1.0},
                seasons={"winter": 1.0},
                occasions=("everyday", "outdoor"),
            ),
        },
    ),
    "jeans": Range(
        0.08,
        "Jeans",
        WAISTS,
        {
            "skinny": _legs(
                ("skinny jeans", "jeans", "slim jeans"),
                0.3,
                59,
                _DENIM,
                {"plain": 1.0},
                _BOTH,
                "slim",
            ),
            "straight": _legs(
                ("straight jeans", "jeans", "denims"),
                0.4,
                65,
                _DENIM,
                {"plain": 1.0},
                _BOTH,
                "regular",
            ),
            "flared": _legs(
                ("flared jeans", "bootcut jeans"),
                0.12,
                69,
                _DENIM,
                {"plain": 1.0},
                _WOMEN,
                "regular",
            ),
            "wide": _legs(
                ("wide-leg jeans", "baggy jeans"),
                0.18,
                69,
                _DENIM,
                {"plain": 1.0},
                {"women": 0.7, "men": 0.3},
                "relaxed",
            ),
        },
    ),
    "trousers": Range(
        0.07,
        "Trousers",
        WAISTS,
        {
            "straight": _legs(
                ("trousers", "pants", "slacks", "tailored trousers"),
                0.4,
                55,
                _CLOTH,
                {"plain": 0.7, "checked": 0.18, "striped": 0.12},
                _BOTH,
                "regular",
            ),
            "skinny": _legs(
                ("slim trousers", "cigarette pants", "chinos"),
                0.25,
                49,
                _CLOTH,
                {"plain": 0.75, "checked": 0.25},
                _BOTH,
                "slim",
            ),
            "wide": _legs(
                ("wide-leg trousers", "palazzo pants"),
                0.2,
                59,
                _CLOTH,
                {"plain": 0.6, "striped": 0.2, "floral": 0.2},
                {"women": 0.85, "men": 0.15},
                "regular",
            ),
            "jogger": _legs(
                ("joggers", "sweatpants", "jogging pants"),
                0.15,
                39,
                {"jersey": "", "cotton fleece": "", "corduroy": "corduroy"},
                {"plain": 1.0},
                _BOTH,
                "relaxed",
            ),
        },
    ),
    "skirt": Range(
        0.07,
        "Skirts",
        CLOTHES,
        {
            "a-line": Model(
                ("skirt", "a-line skirt"),
                0.35,
                39,
                {"cotton": "", "denim": "twill", "corduroy": "corduroy", "viscose": ""},
                _PRINTS,
                _WOMEN,
                lengths=_HEMS,
                fits={"regular": 1.0},
                seasons=_WARM,
                occasions=("everyday", "weekend"),
            ),
            "flared": Model(
                ("skirt", "circle skirt", "swing skirt"),
                0.25,
                45,
                {"cotton": "", "viscose": "", "linen": ""},
                _PRINTS,
                _WOMEN,
                lengths=_HEMS,
                fits={"relaxed": 1.0},
                seasons=_WARM,
                occasions=("party", "holiday", "everyday"),
            ),
            "pencil": Model(
                ("pencil skirt", "skirt"),
                0.2,
                42,
                {"wool blend": "", "crepe": "", "leather": "leather"},
                {"plain": 0.6, "checked": 0.4},
                _WOMEN,
                lengths={"knee": 0.7, "midi": 0.3},
                fits={"slim": 1.0},
                occasions=("work",),
            ),
            "pleated": Model(
                ("pleated skirt",),
                0.2,
                49,
                {"satin": "", "polyester": "", "wool blend": ""},
                {"plain": 0.75, "checked": 0.25},
                _WOMEN,
                lengths=_HEMS,
                fits={"regular": 1.0},
                occasions=("everyday", "party", "work"),
            ),
        },
    ),
    "shorts": Range(
        0.05,
        "Shorts",
        CLOTHES,
        {
            "chino": Model(
                ("shorts", "chino shorts", "bermuda shorts"),
                0.5,
                35,
                {"cotton twill": "", "denim": "twill", "linen": ""},
                {"plain": 0.7, "checked": 0.2, "striped": 0.1},
                lengths={"mini": 0.5, "knee": 0.5},
                fits={"regular": 1.0},
                seasons={"summer": 1.0},
                occasions=("everyday", "holiday"),
            ),
            "drawstring": Model(
                ("shorts", "sweat shorts", "drawstring shorts"),
                0.5,
                29,
                {"cotton": "", "jersey": "", "viscose": ""},
                {"plain": 0.5, "striped": 0.2, "floral": 0.2, "dotted": 0.1},
                lengths={"mini": 0.5, "knee": 0.5},
                fits={"relaxed": 1.0},
                seasons={"summer": 1.0},
                occasions=("sport", "holiday", "weekend"),
            ),
        },
    ),
}

_PLAIN = {"plain": 1.0}
_LEATHERS = {"leather": "leather", "suede": "wool", "vegan leather": "leather"}

RANGES.update(
    {
        "shoes": Range(
            0.08,
            "Shoes",
            WOMENS_SHOES,
            {
                "sneaker": _shoe(
                    ("sneakers", "trainers", "low-top sneakers", "running shoes"),
                    0.28,
                    79,
                    {"leather": "", "mesh": "", "canvas": ""},
                    _BOTH,
                    _ANY,
                    ("sport", "everyday"),
                ),
                "high-top": _shoe(
                    ("high-tops", "high-top sneakers", "canvas trainers"),
                    0.16,
                    75,
                    {"canvas": "", "leather": ""},
                    _BOTH,
                    _ANY,
                    ("everyday", "weekend"),
                ),
                "boot": _shoe(
                    ("ankle boots", "Chelsea boots", "boots"),
                    0.2,
                    129,
                    _LEATHERS,
                    _BOTH,
                    _COLD,
                    ("everyday", "work"),
                ),
                "pump": _shoe(
                    ("pumps", "heels", "court shoes", "high heels"),
                    0.14,
                    89,
                    _LEATHERS,
                    _WOMEN,
                    _ANY,
                    ("party", "work", "wedding guest"),
                ),
                "flat": _shoe(
                    ("ballet flats", "ballerinas", "flats"),
                    0.11,
                    59,
                    _LEATHERS,
                    _WOMEN,
                    {"spring": 0.5, "summer": 0.5},
                    ("everyday", "work"),
                    {"plain": 0.85, "dotted": 0.15},
                ),
                "loafer": _shoe(
                    ("loafers", "slip-on shoes", "penny loafers"),
                    0.11,
                    99,
                    _LEATHERS,
                    _BOTH,
                    _MILD,
                    ("work", "everyday"),
                ),
            },
        ),
        "bag": Range(
            0.07,
            "Bags",
            ONE_SIZE,
            {
                "tote": _carried(
                    ("tote", "tote bag", "shopper", "beach bag"),
                    0.34,
                    45,
                    {"canvas": "", "leather": "leather", "cotton": ""},
                    {"plain": 0.5, "striped": 0.25, "checked": 0.1, "floral": 0.15},
                    {"women": 0.8, "unisex": 0.2},
                    _ANY,
                ),
                "backpack": _carried(
                    ("backpack", "rucksack", "daypack"),
                    0.26,
                    69,
                    {"nylon": "", "canvas": "", "recycled polyester": ""},
                    {"plain": 0.85, "checked": 0.08, "floral": 0.07},
                    {"unisex": 0.7, "men": 0.3},
                    _ANY,
                ),
                "crossbody": _carried(
                    ("crossbody bag", "shoulder bag", "messenger bag"),
                    0.2,
                    89,
                    {"leather": "leather", "vegan leather": "leather"},
                    _PLAIN,
                    {"women": 0.8, "unisex": 0.2},
                    _ANY,
                ),
                "handbag": _carried(
                    ("handbag", "top-handle bag", "bag"),
                    0.2,
                    119,
                    {"leather": "leather", "vegan leather": "leather"},
                    _PLAIN,
                    _WOMEN,
                    _ANY,
                ),
            },
        ),
        "hat": Range(
            0.05,
            "Hats & Caps",
            ONE_SIZE,
            {
                "cap": _carried(
                    ("cap", "baseball cap", "hat"),
                    0.32,
                    22,
                    {"cotton twill": "", "corduroy": "corduroy"},
                    {"plain": 0.9, "checked": 0.1},
                    {"men": 0.4, "unisex": 0.6},
                    _WARM,
                ),
                "beanie": _carried(
                    ("beanie", "knitted hat", "bobble hat"),
                    0.3,
                    19,
                    {"wool": "rib", "merino wool": "rib", "acrylic": "rib"},
                    {"plain": 0.8, "striped": 0.2},
                    _UNISEX,
                    _COLD,
                ),
                "bucket": _carried(
                    ("bucket hat",),
                    0.2,
                    25,
                    {"cotton": "", "nylon": ""},
                    {"plain": 0.55, "floral": 0.2, "checked": 0.15, "dotted": 0.1},
                    _UNISEX,
                    {"summer": 1.0},
                ),
                "brim": _carried(
                    ("straw hat", "fedora", "sun hat"),
                    0.18,
                    35,
                    {"straw": "straw", "wool felt": "wool"},
                    _PLAIN,
                    {"women": 0.7, "unisex": 0.3},
                    {"summer": 1.0},
                ),
            },
        ),
        "scarf": Range(
            0.05,
            "Scarves",
            ONE_SIZE,
            {
                "fringed": _carried(
                    ("scarf", "fringed scarf", "wool scarf", "shawl"),
                    0.55,
                    35,
                    {"wool": "wool", "cashmere": "wool", "lambswool": "wool"},
                    {"plain": 0.4, "checked": 0.4, "striped": 0.2},
                    _UNISEX,
                    _COLD,
                ),
                "plain": _carried(
                    ("scarf", "neck scarf", "light scarf"),
                    0.45,
                    29,
                    {"silk": "", "viscose": "", "cotton": ""},
                    {"plain": 0.3, "dotted": 0.25, "floral": 0.3, "striped": 0.15},
                    {"women": 0.8, "unisex": 0.2},
                    _MILD,
                ),
            },
        ),
    }
)
