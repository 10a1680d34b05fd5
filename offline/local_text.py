"""Puts the rooms of the text stage behind the protocol of the search pipeline, in one process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalog.product import Product
from catalog.product_filter import Condition, ProductFilter, admits
from services.gateway.answer import Generation
from services.gateway.arrangement import in_order, rows_by_id
from services.gateway.facets import Question, counted
from services.gateway.stages import Boost, Completion, Counts, Ranking
from services.text_retriever.boosts import Boost as Lifting
from services.text_retriever.browse import without_photo
from services.text_retriever.exclusions import excluded_groups
from services.text_retriever.index import TextIndex

GENERATION = Generation("local")


@dataclass(frozen=True, slots=True)
class LocalText:
    """The text stage, over an index and products in this process.

    Filters are the oracle's, one product after the other: for catalogues of a few thousand.
    """

    index: TextIndex
    products: Mapping[str, Product] = field(default_factory=dict)

    async def retrieve(
        self,
        text: str,
        count: int,
        *,
        filter: ProductFilter | None,
        min_seq: int,
        timeout_s: float,
        boosts: Sequence[Boost] = (),
        excluded_text: str = "",
    ) -> Ranking:
        """The best ``count`` products that hold one of the words, and no excluded one."""
        depth = count if filter is None else max(count, len(self.products))
        normalizer = self.index.normalizer
        ids, scores = self.index.search(
            normalizer.tokens(text),
            depth,
            boosts=[Lifting(Condition(each.field, each.values), each.weight) for each in boosts],
            excluded=excluded_groups(normalizer, excluded_text),
        )
        places = without_photo(self.index.columns, ids)
        dark = frozenset(ids[place] for place in places)
        found = Ranking(ids, scores.tolist(), GENERATION, without_photo=dark)
        return admitted(found, filter, self.products, count)

    async def browse(
        self,
        order: str,
        count: int,
        *,
        filter: ProductFilter | None,
        min_seq: int,
        timeout_s: float,
    ) -> Ranking:
        """The first ``count`` products in an order."""
        every = Ranking(list(self.products), [0.0] * len(self.products), GENERATION)
        found = admitted(every, filter, self.products, len(self.products)).ids
        [counts] = counted(self.products, [Question(found, (), rows=True)], collapse=False)
        rows = rows_by_id(found, counts.rows) if counts.rows else {}
        listed = in_order(found, order, rows)[:count]
        return Ranking(listed, [0.0] * len(listed), GENERATION, len(found))

    async def count_facets(
        self,
        product_ids: Sequence[str],
        fields: Sequence[str],
        *,
        collapse: bool,
        rows: bool,
        min_seq: int,
        timeout_s: float,
    ) -> Counts:
        """The facets of products, or of their styles."""
        question = Question(product_ids, fields, rows)
        return counted(self.products, [question], collapse=collapse)[0]

    async def complete(self, text: str, count: int, *, timeout_s: float) -> Sequence[Completion]:
        """At most ``count`` texts that a shopper may be typing, the best first."""
        return [
            Completion(each.text, each.kind, each.product_count)
            for each in self.index.completer.complete(text, count)
        ]


def admitted(
    found: Ranking,
    condition: ProductFilter | None,
    products: Mapping[str, Product],
    count: int,
) -> Ranking:
    """The first ``count`` products of a ranking that a filter admits."""
    if condition is None:
        return found
    kept = [
        (name, score)
        for name, score in zip(found.ids, found.scores, strict=True)
        if name in products and admits(condition, products[name])
    ][:count]
    ids = [name for name, _ in kept]
    return replace(
        found,
        ids=ids,
        scores=[score for _, score in kept],
        without_photo=found.without_photo & {*ids},
    )
