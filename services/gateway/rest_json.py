"""Writes products and answers as JSON."""

from collections.abc import Mapping

import orjson

from catalog.facet import Facet
from catalog.product import Product
from catalog.product_filter import FLAGS
from services.gateway.answer import Answer, Explanation, RankedProduct, Term, Understood
from services.gateway.query_options import Fusion
from services.gateway.recommending import Recommended
from services.gateway.similar import Similar

CAPACITY = 20_000


class ProductJson:
    """The JSON of products, each written once while the product stays the same."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._kept: dict[str, tuple[Product, orjson.Fragment]] = {}

    def of(self, product: Product) -> orjson.Fragment:
        """The JSON of a product, to be put into a larger one."""
        kept = self._kept.get(product.id)
        if kept is not None and kept[0] is product:
            return kept[1]
        fragment = orjson.Fragment(orjson.dumps(product_fields(product)))
        if len(self._kept) >= self._capacity:
            self._kept.clear()
        self._kept[product.id] = product, fragment
        return fragment


def product_fields(product: Product) -> dict[str, object]:
    """The fields of a product as REST names them."""
    return {
        "id": product.id,
        "style_id": product.style_id,
        "title": product.title,
        "description": product.description,
        "brand": product.brand,
        "category": product.category,
        "kind": product.kind,
        "gender": product.gender,
        "colour": product.colour,
        "season": product.season,
        "attributes": dict(product.attributes),
        "sizes": [{"size": size.size, "stock": size.stock} for size in product.sizes],
        "in_stock": product.in_stock,
        "price_minor": product.price_minor,
        "currency": product.currency,
        "images": product.images,
        "image_url": image_url(product),
        "product_url": product.product_url,
        "image_state": product.image_state,
        "seq": product.seq,
        "added_seq": product.added_seq,
    }


def image_url(product: Product) -> str | None:
    """Where the face of a product is served."""
    return f"/v1/images/{product.images[0]}" if product.images else None


def answer_to_json(answer: Answer, products: ProductJson, request_id: str) -> bytes:
    """The body of an answer."""
    return orjson.dumps(
        {
            "hits": [_hit(hit, products) for hit in answer.hits],
            "total": {"value": answer.total.value, "relation": answer.total.relation},
            "facets": {facet.field: _facet(facet) for facet in answer.facets},
            "next_page_token": answer.next_page_token or None,
            "degraded": answer.degraded,
            "degraded_reasons": list(answer.degraded_reasons),
            "coverage": answer.coverage,
            "release": answer.release,
            "generations": {
                name: {"generation": found.name, "seq": found.seq}
                for name, found in answer.generations.items()
            },
            "request_id": request_id,
            "took_ms": answer.took_ms,
            "budget_ms": answer.budget_ms,
            "timings_ms": answer.timings_ms,
            "understood": [_understood(each) for each in answer.understood],
            "did_you_mean": answer.did_you_mean or None,
            "relevance_cost": answer.relevance_cost,
            "fusion": _fusion(answer.fusion) if answer.fusion else None,
        }
    )


def similar_to_json(similar: Similar, products: ProductJson, request_id: str) -> bytes:
    """The body of an answer to what is like a product."""
    answer = similar.answer
    return orjson.dumps(
        {
            "hits": [_hit(hit, products) for hit in answer.hits],
            "by": similar.by,
            "degraded": answer.degraded,
            "degraded_reasons": list(answer.degraded_reasons),
            "request_id": request_id,
        }
    )


def recommended_to_json(found: Recommended, products: ProductJson, request_id: str) -> bytes:
    """The body of what is recommended."""
    return orjson.dumps(
        {
            "hits": [
                {
                    **_hit(hit, products),
                    "because": [
                        {"kind": each.kind, "product_id": each.product_id or None}
                        for each in hit.because
                    ],
                }
                for hit in found.hits
            ],
            "mode": found.mode,
            "degraded": found.degraded,
            "degraded_reasons": list(found.degraded_reasons),
            "coverage": found.coverage,
            "release": found.release,
            "generations": {
                name: {"generation": each.name, "seq": each.seq}
                for name, each in found.generations.items()
            },
            "request_id": request_id,
            "took_ms": found.took_ms,
        }
    )


def _understood(found: Understood) -> Mapping[str, str]:
    return {
        "field": found.field,
        "value": found.value,
        "from": found.written,
        "effect": found.effect,
    }


def _fusion(fusion: Fusion) -> Mapping[str, object]:
    return {"method": fusion.method, "k": fusion.k, "weights": dict(fusion.weights)}


def _facet(facet: Facet) -> list[Mapping[str, object]]:
    """The values or the ranges of a facet, as a filter takes them."""
    is_flag = facet.field in FLAGS
    values = [
        {
            "value": each.value == "true" if is_flag else each.value,
            "count": each.count,
            "selected": each.selected,
        }
        for each in facet.values
    ]
    ranges = [
        {"gte": each.gte, "lt": each.lt, "count": each.count, "selected": each.selected}
        for each in facet.ranges
    ]
    return [*values, *ranges]


def _variant(product: Product) -> Mapping[str, object]:
    return {
        "id": product.id,
        "title": product.title,
        "colour": product.colour,
        "image_url": image_url(product),
        "product_url": product.product_url,
        "price_minor": product.price_minor,
        "currency": product.currency,
        "in_stock": product.in_stock,
    }


def _hit(hit: RankedProduct, products: ProductJson) -> Mapping[str, object]:
    fields: dict[str, object] = {
        "rank": hit.rank,
        "score": hit.score,
        "product": products.of(hit.product),
    }
    if hit.variants is not None:
        fields["variants"] = [_variant(product) for product in hit.variants]
    if hit.explanation is not None:
        fields["explanation"] = _explanation(hit.explanation)
    return fields


def _explanation(explanation: Explanation) -> Mapping[str, object]:
    return {
        "retrievers": {
            name: {"rank": place.rank, "score": place.score}
            for name, place in explanation.retrievers.items()
        },
        "terms": [_term(term) for term in explanation.terms],
        "moves": [
            {"stage": move.stage, "from": move.start, "to": move.end, "why": move.why}
            for move in explanation.moves
        ],
    }


def _term(term: Term) -> Mapping[str, object]:
    fields: dict[str, object] = {"name": term.name, "value": term.value}
    return fields | {"mode": term.mode} if term.mode else fields
