"""Draws requests over all options of a search, for tests that hold what is true of every answer."""

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from catalog.product import Product
from catalog.product_filter import values_of
from services.gateway.query_options import METHODS

Json = dict[str, object]
PAGE_SIZES = (1, 4, 12, 24, 50, 100)
FILTERED = ("brand", "kind", "gender", "colour", "season", "category", "size", "attributes.pattern")
FACETS = (*FILTERED, "in_stock", "has_photo", "price_minor", "style_id", "attributes.nobody")
# Written with prices, exclusions, slips and other languages, and some that no product answers.
ASKED = (
    "navy dress",
    "red striped shirt under 60",
    "dress without sleeves",
    "not black, for women",
    "between 20 and 70 euros",
    "drss with flowers",
    "lightweight summer coat no logo",
    "rotes Kleid ohne Ärmel unter 80 Euro",
    "검은색 말고 빨간 원피스",
    "5만원 이하 티셔츠",
    "t-shirt",
    "qwrtzpl",
)
EXCLUDED = ("black", "stripes", "no logo", "sleeves", "marineblau", "qwrtzpl")
IGNORED = ("colour", "colour:navy", "kind", "price_minor", "spell", "words")


@dataclass(frozen=True, slots=True)
class Stock:
    """What requests are drawn from: products, shoppers, and photos by hash."""

    products: Sequence[Product]
    shoppers: Sequence[str]
    photos: Mapping[str, bytes]


def drawn_request(draw: random.Random, stock: Stock) -> Json:
    """A request as REST takes it, which is not at fault; each option is there now and then."""
    request: Json = {"page_size": draw.choice(PAGE_SIZES), "budget_ms": draw.randrange(4000, 5001)}
    if draw.random() < 0.7:
        request["text"] = _words(draw, stock)
    if draw.random() < 0.5:
        request["parts"] = _parts(draw, stock, is_alone="text" not in request)
    for name, share, drawn in _OPTIONS:
        if draw.random() < share:
            request[name] = drawn(draw, stock)
    if _is_of_both(request) and draw.random() < 0.4:
        request["rerank"] = {"first": _share(draw, stock), "second": _share(draw, stock)}
    return request


def _is_of_both(request: Json) -> bool:
    parts = request.get("parts", ())
    assert isinstance(parts, Sequence)
    wanted = [part for part in parts if part.get("weight", 1.0) > 0]
    pictured = [part for part in wanted if "text" not in part]
    return bool(pictured) and ("text" in request or len(wanted) > len(pictured))


def _words(draw: random.Random, stock: Stock) -> str:
    product = draw.choice(stock.products)
    return draw.choice((draw.choice(ASKED), product.title, f"{product.colour} {product.kind}"))


def _parts(draw: random.Random, stock: Stock, *, is_alone: bool) -> list[Json]:
    """Parts, of which the first is wanted where there is nothing else."""
    parts = [_part(draw, stock) for _ in range(draw.choice((1, 1, 2, 4)))]
    for place, part in enumerate(parts):
        if draw.random() < 0.6:
            weight = round(draw.uniform(0.1, 3.0), 2)
            away = draw.random() < 0.4 and not (is_alone and place == 0)
            part["weight"] = -weight if away else weight
    return parts


def _part(draw: random.Random, stock: Stock) -> Json:
    match draw.randrange(4):
        case 0:
            return {"text": _words(draw, stock)}
        case 1:
            pictured = [each.id for each in stock.products if each.images]
            return {"product_id": draw.choice(pictured)}
        case _:
            return _photo(draw, stock)


def _photo(draw: random.Random, stock: Stock) -> Json:
    sha256 = draw.choice(sorted(stock.photos))
    data = base64.b64encode(stock.photos[sha256]).decode()
    part: Json = {"image": draw.choice(({"sha256": sha256}, {"base64": data}))}
    if draw.random() < 0.4:
        part["crop"] = {"x": 0.1, "y": 0.2, "width": 0.8, "height": 0.7}
    if draw.random() < 0.3:
        part["remove_background"] = True
    return part


def _filter(draw: random.Random, stock: Stock, depth: int = 2) -> Json:
    kind = draw.random()
    if depth and kind < 0.3:
        return {"and": [_filter(draw, stock, depth - 1) for _ in range(draw.randrange(1, 3))]}
    if depth and kind < 0.45:
        return {"or": [_filter(draw, stock, depth - 1) for _ in range(draw.randrange(1, 3))]}
    if depth and kind < 0.6:
        return {"not": _filter(draw, stock, 0)}
    if kind < 0.75:
        least = draw.randrange(0, 8000)
        return {"field": "price_minor", "gte": least, "lt": least + draw.choice((500, 9000))}
    if kind < 0.85:
        return {"field": draw.choice(("in_stock", "has_photo")), "in": [draw.random() < 0.8]}
    field = draw.choice(FILTERED)
    some = draw.sample(list(stock.products), 5)
    values = [value for each in some for value in values_of(each, field)]
    return {"field": field, "in": list(dict.fromkeys(values)) or ["nobody holds this"]}


def _fusion(draw: random.Random, stock: Stock) -> Json:
    fusion: Json = {"method": draw.choice(METHODS)}
    if draw.random() < 0.5:
        fusion["k"] = draw.choice((1, 10, 60, 1000))
    if draw.random() < 0.6:
        fusion["weights"] = {name: round(draw.uniform(0.1, 3), 2) for name in ("text", "image")}
    return fusion


def _share(draw: random.Random, stock: Stock) -> float:
    return draw.choice((0.0, 0.2, 0.5, 0.9, 1.0))


def _quotas(draw: random.Random, stock: Stock) -> Json:
    names = draw.sample(("brand", "style", "colour"), draw.randrange(1, 4))
    return {name: draw.choice((1, 2, 5)) for name in names}


def _session(draw: random.Random, stock: Stock) -> list[str]:
    return [each.id for each in draw.sample(list(stock.products), draw.randrange(1, 5))]


_Drawn = Callable[[random.Random, Stock], object]
_OPTIONS: tuple[tuple[str, float, _Drawn], ...] = (
    ("exclude", 0.2, lambda draw, stock: draw.sample(EXCLUDED, draw.randrange(1, 3))),
    ("understand", 0.3, lambda draw, stock: _understand(draw)),
    ("filter", 0.3, _filter),
    ("facets", 0.3, lambda draw, stock: draw.sample(FACETS, draw.randrange(1, 5))),
    ("sort", 0.25, lambda draw, stock: draw.choice(("price_asc", "price_desc", "newest"))),
    ("collapse", 0.35, lambda draw, stock: True),
    ("diversity", 0.4, _share),
    ("quotas", 0.4, _quotas),
    ("fusion", 0.5, _fusion),
    ("retrievers", 0.2, lambda draw, stock: [draw.choice(("text", "image"))]),
    ("candidate_factor", 0.3, lambda draw, stock: draw.choice((1, 5, 20))),
    ("user_id", 0.4, lambda draw, stock: draw.choice((*stock.shoppers, "nobody"))),
    ("session_product_ids", 0.2, _session),
    ("personalization", 0.3, _share),
    ("blend", 0.3, lambda draw, stock: draw.choice(("taste", "minmax"))),
    ("include_examples", 0.3, lambda draw, stock: True),
    ("allow_partial", 0.2, lambda draw, stock: False),
)


def _understand(draw: random.Random) -> Json:
    if draw.random() < 0.4:
        return {"enabled": False}
    return {"ignore": draw.sample(IGNORED, draw.randrange(1, 3))}
