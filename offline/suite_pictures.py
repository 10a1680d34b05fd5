"""Measures what photos find together with words, with each other, and led away from products."""

import asyncio
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from catalog.crop import Crop
from catalog.media import MediaStore
from catalog.product import Product
from catalog.product_filter import Condition, Not
from offline import relevance
from offline.drawn_search import DrawnShop, drawn_shop
from offline.layout import DataDir
from offline.split import ensure_split
from offline.suite_report import Row, SuiteReport
from runtime.errors import SetupError
from services.gateway.parts import Example, Part, Photo, words
from services.gateway.query import MAX_BUDGET_MS, Query
from services.gateway.query_options import Understand

DEPTH = 10
BUT_FUSED, BUT_CUT, BUT_PRODUCT, BUT_PICTURE, BUT_WORDS, BUT_PHOTO, BUT_LITERAL = (
    "photo and a colour",
    "photo cut off by a tenth on each side, and a colour",
    "product and a colour",
    "photo and a colour, picture side alone",
    "the colour alone",
    "the photo alone",
    "photo and a colour, nothing understood",
)
BUT_CLOSE = "photo cut off by a sixth on each side, and a colour"
BOARD, SINGLE = "three photos of one kind", "each of the three photos"
AWAY, TOWARDS = "photo, led away from a product", "the photo, for the likes of that product"
COLOUR, KIND, BOTH, LIKES = "colour P@10", "kind P@10", "both P@10", "likes of the product in ten"
_PHOTOS, _COLOURS, _LEAST = 100, 2, 10
_CUT, _CLOSE = Crop(0.1, 0.1, 0.8, 0.8), Crop(1 / 6, 1 / 6, 2 / 3, 2 / 3)
_MARGINS = (0.1, 0.2, 0.33)  # of a side, added on each


@dataclass(frozen=True, slots=True)
class Shown:
    """A held-out photo, what it shows, and a colour in which its kind exists besides."""

    product: Product
    data: bytes
    colour: str


def pictures(data: DataDir | None, dataset: Path | None) -> SuiteReport:
    """Asks the drawn catalogue of ``data`` with held-out photos; no other dataset is of use.

    The encoder has not seen the photos. The style of a photo is left out of what it may find. A
    colour is asked for where the photo's kind has ten products in it.

    Raises:
        SetupError: There is no drawn catalogue.
    """
    if data is None:
        raise SetupError("pictures are asked of a drawn catalogue: name its --data")
    held = ensure_split(data).held_out
    with drawn_shop(data) as shop:
        cases = shown_photos(shop.products, held, MediaStore(data.media))
        rows = [*_like_this_but(shop, cases), *_boards(shop, cases), *_led_away(shop, cases)]
    return SuiteReport(
        "pictures",
        f"{len(cases)} questions with held-out photos, {len(shop.products)} drawn products",
        tuple(rows),
    )


def shown_photos(
    products: Mapping[str, Product], held: Sequence[str], media: MediaStore, *, seed: int = 0
) -> list[Shown]:
    """Returns held-out photos, each with two colours other than its own where there are any."""
    rng = np.random.default_rng(seed)
    counts = Counter((each.kind, each.colour) for each in products.values())
    drawn = [str(name) for name in rng.permutation(sorted(held))[:_PHOTOS]]
    cases: list[Shown] = []
    for product in (products[name] for name in drawn):
        data = media.get(product.images[0])
        colours = [
            colour
            for (kind, colour), count in sorted(counts.items())
            if kind == product.kind and count >= _LEAST and colour != product.colour
        ]
        if data is not None and colours:
            chosen = rng.choice(colours, min(_COLOURS, len(colours)), replace=False)
            cases += [Shown(product, data, str(colour)) for colour in chosen]
    return cases


def but_wide(margin: float) -> str:
    """Returns the name of the row of photos with a wider margin, a share of a side."""
    return f"photo with {margin:.0%} of margin added on each side, and a colour"


def with_margin(data: bytes, margin: float) -> bytes:
    """Returns a photo amid a margin of its own ground, so wide in shares of its longer side."""
    with Image.open(io.BytesIO(data)) as opened:
        photo = opened.convert("RGB")
    width = round(margin * max(photo.size))
    red, green, blue = np.asarray(photo)[1, 1].tolist()
    whole = ImageOps.expand(photo, width, (red, green, blue))
    out = io.BytesIO()
    whole.save(out, "JPEG", quality=90)
    return out.getvalue()


def _in_wide(margin: float, case: Shown) -> Query:
    part = Part(Photo(with_margin(case.data, margin)), "parts[0]")
    return _query(case, words(case.colour, "text"), part)


def _like_this_but(shop: DrawnShop, cases: Sequence[Shown]) -> list[Row]:
    def asked(case: Shown, **options: object) -> Query:
        return _query(case, words(case.colour, "text"), _photo(case), **options)

    systems: dict[str, Callable[[Shown], Query]] = {
        BUT_FUSED: asked,
        BUT_CUT: lambda case: _query(case, words(case.colour, "text"), _photo(case, _CUT)),
        BUT_CLOSE: lambda case: _query(case, words(case.colour, "text"), _photo(case, _CLOSE)),
        **{but_wide(margin): partial(_in_wide, margin) for margin in _MARGINS},
        BUT_PRODUCT: lambda case: _query(
            case, words(case.colour, "text"), Part(Example(case.product.id), "parts[0]")
        ),
        BUT_PICTURE: lambda case: asked(case, retrievers=("image",)),
        BUT_LITERAL: lambda case: asked(case, understand=Understand(enabled=False)),
        BUT_PHOTO: lambda case: _query(case, _photo(case)),
        BUT_WORDS: lambda case: _query(case, words(case.colour, "text")),
    }
    rows = []
    for name, query in systems.items():
        found = asyncio.run(_found(shop, [query(case) for case in cases]))
        pairs = list(zip(cases, found, strict=True))
        right: dict[str, Callable[[Shown, Product], bool]] = {
            COLOUR: lambda case, hit: hit.colour == case.colour,
            KIND: lambda case, hit: hit.kind == case.product.kind,
            BOTH: lambda case, hit: (hit.kind, hit.colour) == (case.product.kind, case.colour),
        }
        for figure, is_right in right.items():
            shares = [sum(is_right(case, hit) for hit in hits) / DEPTH for case, hits in pairs]
            rows.append(Row(name, figure, relevance.estimate(shares)))
    return rows


def _boards(shop: DrawnShop, cases: Sequence[Shown]) -> list[Row]:
    """Three photos of one kind together, and each alone: how much of what they find is of it."""
    kinds: dict[str, list[Shown]] = {}
    for case in {case.product.id: case for case in cases}.values():
        kinds.setdefault(case.product.kind, []).append(case)
    boards = [
        some[start : start + 3] for some in kinds.values() for start in range(0, len(some) - 2, 3)
    ]
    together = asyncio.run(
        _found(shop, [_query(board[0], *(_photo(each) for each in board)) for board in boards])
    )
    alone = asyncio.run(
        _found(shop, [_query(each, _photo(each)) for board in boards for each in board])
    )
    flat = [board[0] for board in boards]
    singles = [each for board in boards for each in board]
    return [
        Row(name, KIND, relevance.estimate([_of_kind(*pair) for pair in pairs]))
        for name, pairs in (
            (BOARD, zip(flat, together, strict=True)),
            (SINGLE, zip(singles, alone, strict=True)),
        )
    ]


def _led_away(shop: DrawnShop, cases: Sequence[Shown]) -> list[Row]:
    """How many of the first ten are of the kind and colour of the photo's third hit, when that
    product is led away from and when it is not.
    """
    chosen = list({case.product.id: case for case in cases}.values())
    before = asyncio.run(_found(shop, [_query(case, _photo(case)) for case in chosen]))
    pairs = [(case, hits) for case, hits in zip(chosen, before, strict=True) if len(hits) > 2]
    after = asyncio.run(
        _found(
            shop,
            [
                _query(case, _photo(case), Part(Example(hits[2].id), "parts[1]", -0.5))
                for case, hits in pairs
            ],
        )
    )
    rows = []
    for name, found in ((TOWARDS, [hits for _, hits in pairs]), (AWAY, after)):
        shares = [
            sum((hit.kind, hit.colour) == (hits[2].kind, hits[2].colour) for hit in ten) / DEPTH
            for (_, hits), ten in zip(pairs, found, strict=True)
        ]
        rows.append(Row(name, LIKES, relevance.estimate(shares)))
    return rows


def _of_kind(case: Shown, hits: Sequence[Product]) -> float:
    return sum(hit.kind == case.product.kind for hit in hits) / DEPTH


def _photo(case: Shown, crop: Crop | None = None) -> Part:
    return Part(Photo(case.data), "parts[0]", crop=crop)


def _query(case: Shown, *parts: Part, **options: object) -> Query:
    return Query(
        parts=parts,
        page_size=DEPTH,
        budget_ms=MAX_BUDGET_MS,
        filter=Not(Condition("style_id", (case.product.style_id,))),
        **options,  # type: ignore[arg-type]  # checked by Query
    )


async def _found(shop: DrawnShop, queries: Sequence[Query]) -> list[list[Product]]:
    """Returns the first ten products of each query."""
    return [[hit.product for hit in (await shop.pipeline.search(query)).hits] for query in queries]
