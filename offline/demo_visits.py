"""Lets drawn shoppers visit the shop: what they search, look at, buy, rate and send back."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from offline.demo_tastes import SEASONS, UNISEX, Floats, Ints, Shelf, Shoppers, kind_seasons

DAY_S = 86_400
CANDIDATES = 36
CHANCE = 0.3
_VISITS = 11.5
_SEASON_PULL = 1.2
_ELSEWHERE = 0.08
_POSITION = 0.6
_PRICE_NOISE = 0.3
_BAD_LUCK = 0.06

KINDS = ("search", "view", "cart", "purchase", "rating", "return")


@dataclass(frozen=True, slots=True)
class Visits:
    """One visit a row: who came, when (seconds after the opening), and for what kind."""

    shopper: Ints
    at: Floats
    season: Ints
    kind: Ints
    gender: Ints


@dataclass(frozen=True, slots=True)
class Events:
    """One event a row, in no order; ``product`` is -1 for a search, ``visit`` names the visit."""

    visit: Ints
    product: Ints
    kind: Ints
    at: Floats
    stars: Floats
    verified: npt.NDArray[np.bool_]
    helpful: Ints


def draw_visits(
    shoppers: Shoppers, shelf: Shelf, *, days: int, first_day: int, draw: np.random.Generator
) -> Visits:
    """Draws when who comes for what; ``first_day`` is the day of the year of the opening."""
    count = len(shoppers.gender)
    number = 1 + draw.negative_binomial(1.6, 1.6 / (1.6 + _VISITS - 1), count)
    shopper = np.repeat(np.arange(count), number)
    joined = draw.uniform(0, 0.8 * days, count)[shopper]
    at = (joined + draw.random(len(shopper)) * (days - joined)) * DAY_S
    day = (at / DAY_S + first_day) % 365.25
    # The year begins in winter; its quarters are counted from the first of December.
    season = (((day + 31) % 365.25) // (365.25 / len(SEASONS))).astype(np.intp)
    genders = np.unique(shoppers.gender)
    elsewhere = draw.random(len(shopper)) < _ELSEWHERE
    gender = np.where(elsewhere, draw.choice(genders, len(shopper)), shoppers.gender[shopper])
    return Visits(
        shopper, at, season, _wanted(shoppers, shelf, shopper, season, gender, draw), gender
    )


def _wanted(
    shoppers: Shoppers,
    shelf: Shelf,
    shopper: Ints,
    season: Ints,
    gender: Ints,
    draw: np.random.Generator,
) -> Ints:
    """Draws the kind of garment of each visit among those that the shop has for the gender."""
    shape = (len(shelf.words["gender"]), len(shelf.words["kind"]))
    stock = np.zeros(shape)
    np.add.at(stock, (shelf.codes["gender"], shelf.codes["kind"]), 1.0)
    for code, word in enumerate(shelf.words["gender"]):
        if word == UNISEX:
            stock = stock + stock[code] * (np.arange(shape[0]) != code)[:, None]
    with np.errstate(divide="ignore"):
        pull = 0.5 * np.log(stock)[gender]
    pull = pull + shoppers.kinds[shopper] + _SEASON_PULL * kind_seasons(shelf)[:, season].T
    return np.asarray(np.argmax(pull + draw.gumbel(size=pull.shape), axis=1), np.intp)


def draw_events(
    visits: Visits, shoppers: Shoppers, shelf: Shelf, draw: np.random.Generator
) -> Events:
    """Draws what comes of each visit.

    A page shows up to 36 products of the kind in an order of no meaning. What is looked at
    depends on taste, on the place on the page and on the price of the day; in three visits of ten
    on chance alone. What is kept in the end depends on taste.
    """
    parts: list[Events] = []
    for kind, gender, pool in _pools(shelf):
        rows = np.flatnonzero((visits.kind == kind) & (visits.gender == gender))
        if len(rows):
            parts.append(_one_page(rows, pool, visits, shoppers, shelf, draw))
    names = Events.__dataclass_fields__
    return Events(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _pools(shelf: Shelf) -> list[tuple[int, int, Ints]]:
    """Returns (kind, gender, products): those made for the gender, or for everybody."""
    everybody = [code for code, word in enumerate(shelf.words["gender"]) if word == UNISEX]
    pools = []
    for kind in range(len(shelf.words["kind"])):
        for gender in range(len(shelf.words["gender"])):
            suits = np.isin(shelf.codes["gender"], [gender, *everybody])
            pool = np.flatnonzero(suits & (shelf.codes["kind"] == kind))
            if len(pool):
                pools.append((kind, gender, pool))
    return pools


def _one_page(
    rows: Ints,
    pool: Ints,
    visits: Visits,
    shoppers: Shoppers,
    shelf: Shelf,
    draw: np.random.Generator,
) -> Events:
    size = min(CANDIDATES, len(pool))
    page = pool[np.argsort(draw.random((len(rows), len(pool))), axis=1)[:, :size]]
    taste = shoppers.likes(shelf, visits.shopper[rows], page, visits.season[rows])
    pull = taste + _PRICE_NOISE * draw.normal(size=page.shape)
    pull[draw.random(len(rows)) < CHANCE] = 0.0
    pull += draw.gumbel(size=page.shape) - _POSITION * np.log1p(np.arange(size))
    best = np.argsort(-pull, axis=1)
    looks = np.minimum(1 + draw.poisson(2.4, len(rows)), size)
    visit = np.repeat(np.arange(len(rows)), looks)
    step = np.arange(len(visit)) - np.repeat(np.cumsum(looks) - looks, looks)
    column = best[visit, step]
    liked = taste[visit, column] - taste.mean()
    at = visits.at[rows][visit] + 20.0 + 35.0 * step
    seen = _Seen(rows[visit], page[visit, column], liked, at)
    return _outcome(rows, visits.at[rows], seen, draw)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was looked at: visit, product, how much it is liked, and when; one look a row."""

    visit: Ints
    product: Ints
    liked: Floats
    at: Floats

    def events(
        self,
        kind: str,
        chosen: npt.NDArray[np.bool_],
        later_s: Floats,
        stars: Floats | None = None,
        verified: npt.NDArray[np.bool_] | None = None,
        helpful: Ints | None = None,
    ) -> Events:
        """Returns an event for each chosen look, ``later_s`` after it."""
        count = int(chosen.sum())
        return Events(
            self.visit[chosen],
            self.product[chosen],
            np.full(count, KINDS.index(kind)),
            (self.at + later_s)[chosen],
            np.zeros(count) if stars is None else stars[chosen],
            np.zeros(count, bool) if verified is None else verified[chosen],
            np.zeros(count, np.intp) if helpful is None else helpful[chosen],
        )


def _outcome(rows: Ints, opened: Floats, seen: _Seen, draw: np.random.Generator) -> Events:
    """Draws carts, purchases, ratings and returns of what was seen, and the searches before it."""
    size = len(seen.visit)
    carts = draw.random(size) < _logistic(0.5 * seen.liked - 3.0)
    buys = carts & (draw.random(size) < _logistic(0.3 * seen.liked - 0.6))
    # Some pieces arrive torn or late: what a rating says is not all about taste.
    luck = draw.normal(size=size) - 2.0 * (draw.random(size) < _BAD_LUCK)
    stars = np.clip(np.rint(2.9 + 0.35 * seen.liked + luck), 1, 5)
    rates = np.where(buys, draw.random(size) < 0.5, draw.random(size) < 0.012)
    returns = buys & (draw.random(size) < np.where(stars <= 2, 0.45, 0.04))
    helpful = draw.geometric(0.5, size) - 1
    days = draw.uniform(2, 25, size) * DAY_S
    searched = draw.random(len(rows)) < 0.75
    searches = _Seen(rows, np.full(len(rows), -1), np.zeros(len(rows)), opened)
    parts = (
        searches.events("search", searched, np.zeros(len(rows))),
        seen.events("view", np.ones(size, bool), np.zeros(size)),
        seen.events("cart", carts, np.full(size, 9.0)),
        seen.events("purchase", buys, np.full(size, 900.0)),
        seen.events("rating", rates, days, stars, buys, helpful),
        seen.events("return", returns, days + DAY_S),
    )
    names = Events.__dataclass_fields__
    return Events(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _logistic(values: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-values)), np.float64)
