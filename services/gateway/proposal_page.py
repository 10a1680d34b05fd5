"""Puts proposals on a page: unlike each other, with their share of new arrivals, within quotas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.product import Product
from services.gateway.answer import Move
from services.gateway.proposals import Blended
from services.gateway.quotas import Shelf

_WHY_DIVERSE = "products that stand together should differ"


@dataclass(frozen=True, slots=True)
class Placed:
    """A proposal on its page, with the places that it came through, each from 1."""

    proposal: Blended
    by_score: int
    diverse: int
    mixed: int
    rank: int

    def moves(self, limits: Mapping[str, int], new_share: float) -> list[Move]:
        """The steps from its place by score to its rank."""
        told = " or ".join(f"{most} of one {name}" for name, most in sorted(limits.items()))
        arrivals = f"a share of {new_share:g} is for new arrivals"
        steps = [
            Move("diversity", self.by_score, self.diverse, _WHY_DIVERSE),
            Move("new", self.diverse, self.mixed, arrivals),
            Move("quotas", self.mixed, self.rank, f"a page holds at most {told}"),
        ]
        return [step for step in steps if step.start != step.end]


def on_page(
    proposals: Sequence[Blended],
    order: Sequence[int],
    products: Mapping[str, Product],
    *,
    page_size: int,
    limits: Mapping[str, int],
    new_share: float,
) -> list[Placed]:
    """The proposals of the page, in its order.

    Of the first p hits at least ``floor(new_share * p)`` are new arrivals, for each p, as long as
    there are any that the quotas admit.

    Args:
        proposals: The best first.
        order: Their places, from 0, in the order of their diversity: each once.
        products: The products of all of them.
        page_size: Most hits.
        limits: Most products of one value on the page, by field.
        new_share: 0 to 1.
    """
    is_new = [proposals[at].is_new for at in order]
    mixed = _with_arrivals(is_new, list(range(len(order))), new_share)
    place_of = {at: place for place, at in enumerate(mixed, 1)}
    shelf, page, left = Shelf(limits), list[int](), list(mixed)
    arrivals = 0
    while left and len(page) < page_size:
        needs_new = arrivals < int(new_share * (len(page) + 1) + 1e-9)
        wanted = [at for at in left if is_new[at]] if needs_new else left
        chosen, refused = _first_fitting(wanted, order, proposals, products, shelf)
        # What the quotas refuse once they refuse for the rest of the page.
        gone = {*refused, chosen} if chosen is not None else {*refused}
        left = [at for at in left if at not in gone]
        if chosen is None and needs_new:
            chosen, refused = _first_fitting(left, order, proposals, products, shelf)
            left = [at for at in left if at not in {*refused, chosen}]
        if chosen is None:
            break
        arrivals += is_new[chosen]
        page.append(chosen)
    return [
        Placed(proposals[order[at]], order[at] + 1, at + 1, place_of[at], rank)
        for rank, at in enumerate(page, 1)
    ]


def _first_fitting(
    wanted: Sequence[int],
    order: Sequence[int],
    proposals: Sequence[Blended],
    products: Mapping[str, Product],
    shelf: Shelf,
) -> tuple[int | None, list[int]]:
    """The first that the quotas admit, and those before it that they do not."""
    refused: list[int] = []
    for at in wanted:
        if shelf.takes(products[proposals[order[at]].product_id]):
            return at, refused
        refused.append(at)
    return None, refused


def _with_arrivals(is_new: Sequence[bool], places: list[int], share: float) -> list[int]:
    """The places so that each first p of them hold ``floor(share * p)`` new ones, if there are."""
    new = [at for at in places if is_new[at]]
    mixed: list[int] = []
    others = iter(places)
    taken: set[int] = set()
    arrivals = 0
    for count in range(1, len(places) + 1):
        while new and new[0] in taken:
            new.pop(0)
        if new and arrivals < int(share * count + 1e-9):
            at = new.pop(0)
        else:
            at = next(each for each in others if each not in taken)
        taken.add(at)
        arrivals += is_new[at]
        mixed.append(at)
    return mixed
