"""Draws shoppers who live two years with a drawn catalogue, and keeps what they did."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy as np

from catalog.interaction import Interaction
from catalog.product import Product
from catalog.store import CatalogStore
from offline.demo_tastes import Shelf, Shoppers
from offline.demo_visits import KINDS, Events, draw_events, draw_visits
from offline.layout import DataDir
from offline.progress import progress, say
from runtime.errors import SetupError

FORMAT = 1
OPENING = datetime(2024, 1, 1, tzinfo=UTC)
_PREFIX = "demo-"
_BATCH = 5_000
_UNSAID = ("all year", "unisex", "plain")
_SEARCHES = (
    ("kind",),
    ("colour", "kind"),
    ("gender", "kind"),
    ("pattern", "kind"),
    ("colour", "pattern", "kind"),
    ("season", "kind"),
)


@dataclass(frozen=True, slots=True)
class ShopperOptions:
    """How many shoppers, over how many days from the opening on, drawn by which seed."""

    shoppers: int = 1500
    days: int = 791
    seed: int = 7


DEFAULTS = ShopperOptions()


def draw_shoppers(data: DataDir, options: ShopperOptions = DEFAULTS) -> int:
    """Draws the shoppers of a catalogue, keeps their events and returns their number.

    Nothing is drawn again while catalogue and options stay as they were; shoppers drawn for
    another catalogue are forgotten first.

    Raises:
        SetupError: There is no catalogue, or it is empty.
    """
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        name = _name(store.content_digest(), options)
        marker = data.root / "demo_shoppers.json"
        drawn = json.loads(marker.read_text(encoding="utf-8")) if marker.is_file() else {}
        if drawn.get("name") == name:
            say("The shoppers are up to date.")
            return int(drawn["events"])
        marker.unlink(missing_ok=True)
        store.remove_interactions(prefix=_PREFIX)
        products = list(store.scan())
        if not products:
            raise SetupError(f"the catalogue in {data.root} is empty: draw products first")
        count = 0
        stream = interactions(products, options, prefix=name)
        with progress("Drawing shoppers") as shown:
            while batch := list(islice(stream, _BATCH)):
                store.add_interactions(batch)
                shown.advance(len(batch))
                count += len(batch)
        marker.write_text(json.dumps({"name": name, "events": count}), encoding="utf-8")
    finally:
        store.close()
    return count


def interactions(
    products: Sequence[Product], options: ShopperOptions, *, prefix: str
) -> Iterator[Interaction]:
    """Yields what the shoppers did, oldest first; equal arguments give equal events."""
    draw = np.random.default_rng(options.seed)
    shelf = Shelf.of(products)
    shoppers = Shoppers.draw(options.shoppers, shelf, draw)
    first_day = OPENING.timetuple().tm_yday - 1
    visits = draw_visits(shoppers, shelf, days=options.days, first_day=first_day, draw=draw)
    events = draw_events(visits, shoppers, shelf, draw)
    texts = _texts(events, shelf, draw)
    closing = options.days * 86_400.0
    order = np.argsort(events.at, kind="stable")
    for number, row in enumerate(order[events.at[order] < closing].tolist()):
        kind = KINDS[events.kind[row]]
        product = int(events.product[row])
        yield Interaction(
            event_id=f"{prefix}-{number:07d}",
            user_id=_user_id(int(visits.shopper[events.visit[row]])),
            product_id=shelf.ids[product] if product >= 0 else "",
            kind=kind,
            at=OPENING + timedelta(seconds=round(float(events.at[row]))),
            value=float(events.stars[row]) if kind == "rating" else None,
            verified=bool(events.verified[row]),
            helpful_votes=int(events.helpful[row]),
            text=texts.get(row, ""),
        )


def _texts(events: Events, shelf: Shelf, draw: np.random.Generator) -> dict[int, str]:
    """Returns the words of each search: some attributes of what is looked at first afterwards."""
    views = np.flatnonzero(events.kind == KINDS.index("view"))
    _, first = np.unique(events.visit[views], return_index=True)
    looked = dict(
        zip(events.visit[views[first]].tolist(), events.product[views[first]].tolist(), strict=True)
    )
    searches = np.flatnonzero(events.kind == KINDS.index("search")).tolist()
    forms = draw.choice(len(_SEARCHES), len(searches), p=[0.25, 0.35, 0.15, 0.1, 0.1, 0.05])
    texts: dict[int, str] = {}
    for row, form in zip(searches, forms.tolist(), strict=True):
        product = looked[int(events.visit[row])]
        words = [shelf.words[part][shelf.codes[part][product]] for part in _SEARCHES[form]]
        texts[row] = " ".join(word for word in words if word and word not in _UNSAID)
    return texts


def _user_id(row: int) -> str:
    return f"u-{row + 1:04d}"


def _name(catalogue: str, options: ShopperOptions) -> str:
    made_of = json.dumps([FORMAT, catalogue, asdict(options)], sort_keys=True)
    return f"{_PREFIX}{hashlib.sha256(made_of.encode()).hexdigest()[:10]}"
