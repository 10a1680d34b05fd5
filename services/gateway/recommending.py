"""Recommends products to a shopper, a session or a stranger, without a query."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from catalog.product import Product
from catalog.product_filter import admits
from services.gateway.alike import LikenessFinder
from services.gateway.answer import Explanation, Generation, RankedProduct, RetrieverRank, Term
from services.gateway.because import reasons_for
from services.gateway.budget import Budget
from services.gateway.coverage import OK, leg_reasons
from services.gateway.diversity import WINDOW, diversified
from services.gateway.fanout import within
from services.gateway.proposal_page import Placed, on_page
from services.gateway.proposals import COLD, SESSION, TASTE, USER, Blended, blend
from services.gateway.proposing import Course, Sources
from services.gateway.recommend_query import RecommendQuery
from services.gateway.stages import Documents

DEFAULT_NEW_SHARE = 0.1
DIVERSITY: Mapping[str, float] = MappingProxyType({USER: 0.1, SESSION: 0.15, COLD: 0.3})
"""How unlike each other hits are by default: a stranger is shown something of everything."""

MOST_OF_A_KIND: Mapping[str, float] = MappingProxyType({USER: 0.5, SESSION: 0.5, COLD: 0.25})
"""Share of a page that one kind of products may have: half, where somebody's taste is known."""

_ALIKE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Recommended:
    """What is recommended, by what (``user``, ``session`` or ``cold``), and what was missing."""

    hits: Sequence[RankedProduct]
    mode: str
    degraded_reasons: Sequence[str]
    coverage: Mapping[str, str]
    release: str
    generations: Mapping[str, Generation]
    took_ms: int

    @property
    def degraded(self) -> bool:
        """Whether something was missing that might have changed the answer."""
        return bool(self.degraded_reasons)


@dataclass(frozen=True, slots=True)
class Recommender:
    """Blends what the sources propose, and fills a page with it.

    Attributes:
        sources: Who is asked.
        documents: The products.
        alike: Tells how alike products are.
        release: Tells the name of the release in force.
        new_share: Share of a page for new arrivals where a query does not say, 0 to 1.
        clock: Monotonic seconds.
    """

    sources: Sources
    documents: Documents
    alike: LikenessFinder
    release: Callable[[], str] = str
    new_share: float = DEFAULT_NEW_SHARE
    clock: Callable[[], float] = time.monotonic

    async def recommend(self, query: RecommendQuery) -> Recommended:
        """Recommends within the budget of the query.

        What the shopper bought is not among it, nor anything of its style; nor what they dislike,
        have just seen, or cannot buy.

        Raises:
            Unavailable: Neither the ranking stage nor the text stage answers.
            DeadlineExceeded: The budget is spent and there is nothing to show.
        """
        course = Course(query, Budget(query.total_budget_ms / 1000, self.clock))
        found, mode = await self.sources.ask(course)
        share = self.new_share if query.new_share is None else query.new_share
        # Where there is nothing but what is new, that is wanted all the same.
        is_new_wanted = share > 0 or course.coverage["ranking"] != OK
        blended = blend(found.lists, mode, new=is_new_wanted)
        products, left = await self._there(course, blended)
        order = await self._order(course, left, mode)
        placed, limits = _placed(query, left, order, products, mode, share)
        hits = await self._hits(course, placed, products, mode)
        if query.explain:
            hits = [
                replace(hit, explanation=_explained(each, limits, share, mode))
                for hit, each in zip(hits, placed, strict=True)
            ]
        return Recommended(
            hits,
            mode,
            list(dict.fromkeys(course.reasons)),
            course.coverage,
            self.release(),
            course.generations,
            round(course.budget.spent_ms()),
        )

    async def _there(
        self, course: Course, blended: Sequence[Blended]
    ) -> tuple[Mapping[str, Product], list[Blended]]:
        """The proposals that may be shown by what the catalogue says now, and their products."""
        # New arrivals that few have seen score little, and have a share of the page all the same.
        late = [each for each in blended[course.depth :] if each.is_new]
        best = [*blended[: course.depth], *late]
        reading = self.documents.read([each.product_id for each in best])
        products = await within(course.budget.whole(), reading)
        past, condition = course.past, course.query.filter

        def may(product: Product | None) -> bool:
            return (
                product is not None
                and product.in_stock
                and product.id not in past.excluded_ids
                and product.style_id not in past.excluded_styles
                and (condition is None or admits(condition, product))
            )

        return products, [each for each in best if may(products.get(each.product_id))]

    async def _order(self, course: Course, left: Sequence[Blended], mode: str) -> list[int]:
        """The places of the proposals, from 0, so that neighbours differ."""
        told = course.query.diversity
        diversity = DIVERSITY[mode] if told is None else told
        places = list(range(len(left)))
        if not diversity or not left:
            return places
        heads = left[:WINDOW]
        deadline = course.budget.share(_ALIKE_SHARE)
        ids = [each.product_id for each in heads]
        found = await self.alike.find(ids, deadline, by_pictures=True)
        if found.error is not None:
            course.lost("image", found.error, leg_reasons({"image": found.error}))
        elif self.alike.vectors is not None:
            course.answered("image")
        scores = [each.score for each in heads]
        return [*diversified(scores, found.likeness, diversity), *places[WINDOW:]]

    async def _hits(
        self,
        course: Course,
        placed: Sequence[Placed],
        products: Mapping[str, Product],
        mode: str,
    ) -> list[RankedProduct]:
        recent = course.past.recent.ids
        places = {voice.because for each in placed for voice in each.proposal.voices}
        named = [recent[at] for at in sorted(places) if 0 <= at < len(recent)]
        there: Mapping[str, Product] = {}
        if named:
            there = await within(course.budget.whole(), self.documents.read(named))
        session = frozenset(course.query.session_product_ids)
        return [
            RankedProduct(
                each.rank,
                each.proposal.score,
                products[each.proposal.product_id],
                because=reasons_for(each.proposal, recent, session, mode, there),
            )
            for each in placed
        ]


def _placed(
    query: RecommendQuery,
    left: Sequence[Blended],
    order: Sequence[int],
    products: Mapping[str, Product],
    mode: str,
    share: float,
) -> tuple[list[Placed], Mapping[str, int]]:
    """The proposals on the page, and the limits that it keeps.

    Several kinds are shown: a share of the page may be of one, and more only as far as the page
    would be short otherwise.
    """
    limits = dict(query.limits)
    most = math.ceil(query.page_size * MOST_OF_A_KIND[mode])
    while True:
        if most < query.page_size:
            limits["kind"] = most
        else:
            limits.pop("kind", None)
        placed = on_page(
            left, order, products, page_size=query.page_size, limits=limits, new_share=share
        )
        if "kind" not in limits or len(placed) == query.page_size:
            return placed, limits
        most *= 2


def _explained(placed: Placed, limits: Mapping[str, int], share: float, mode: str) -> Explanation:
    """Why a product stands where it does; the terms add up to its score."""
    voices = placed.proposal.voices
    return Explanation(
        {voice.source: RetrieverRank(voice.rank, voice.score) for voice in voices},
        [
            Term(f"source.{voice.source}", voice.value, mode if voice.source == TASTE else "")
            for voice in voices
        ],
        placed.moves(limits, share),
    )
