"""Talks to a running gateway as any shop's own program would: over REST, and over nothing else."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import httpx

Json: TypeAlias = dict[str, Any]
Filter: TypeAlias = Mapping[str, object]

PAGE = 100
BATCH = 500
# What a listing is cut by until each piece is small enough to be paged through.
FIELDS = ("kind", "colour", "brand", "gender", "season")
_MOST_CONDITIONS = 12
_BUDGET_MS = 5000
_DEAREST = 1 << 40


class ProofFailed(Exception):
    """The shop did what it promised not to do; one sentence."""


class Shop:
    """The public API of one gateway.

    Args:
        url: Such as ``http://127.0.0.1:8080``.
        key: API key; empty where none is needed.
    """

    def __init__(self, url: str, *, key: str = "") -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, timeout=30, headers=headers, trust_env=False)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def search(self, **body: object) -> Json:
        """Searches.

        Raises:
            ProofFailed: The answer is not 200.
        """
        return self._answered("POST", "/v1/search", {"budget_ms": _BUDGET_MS, **body})

    def upsert(self, products: Sequence[Json]) -> int:
        """Writes products in batches, all of which must be taken; returns the clock after it."""
        seq = 0
        for start in range(0, len(products), BATCH):
            body = {"products": list(products[start : start + BATCH])}
            reply = self._answered("POST", "/v1/products:batchUpsert", body)
            refused = [each for each in reply["results"] if each["status"] == "rejected"]
            if refused:
                raise ProofFailed(f"a product was refused: {refused[0]['problem']}")
            seq = int(reply["seq"])
        return seq

    def delete(self, product_id: str) -> int:
        """Deletes a product; returns the clock after it."""
        return int(self._answered("DELETE", f"/v1/products/{product_id}")["seq"])

    def exists(self, product_id: str) -> bool:
        """Whether a product can be read."""
        return self._http.get(f"/v1/products/{product_id}").status_code == 200

    def count(self, condition: Filter) -> int:
        """How many products a filter admits, by the total of a listing."""
        return int(self.search(filter=condition, page_size=1)["total"]["value"])

    def listing(self, condition: Filter | None) -> list[Json]:
        """Pages through all that a filter admits.

        Raises:
            ProofFailed: A product came twice, or another number than the total was reached.
        """
        found: dict[str, Json] = {}
        body: Json = {"page_size": PAGE, "sort": "newest"}
        if condition:
            body["filter"] = condition
        total, token = None, None
        while True:
            page = self.search(**body, page_token=token)
            total = page["total"] if total is None else total
            for hit in page["hits"]:
                if hit["product"]["id"] in found:
                    raise ProofFailed(f"{hit['product']['id']} came twice in one listing")
                found[hit["product"]["id"]] = hit["product"]
            token = page["next_page_token"]
            if token is None:
                break
        if len(found) != total["value"]:
            raise ProofFailed(f"paging reached {len(found)} products of a total of {total}")
        return list(found.values())

    def everything(self) -> dict[str, Json]:
        """Pages through the whole catalogue, piece by piece; returns products by id.

        Raises:
            ProofFailed: A product came in two pieces that exclude each other.
        """
        found: dict[str, Json] = {}
        for condition in self._pieces([], FIELDS):
            for product in self.listing(condition):
                if product["id"] in found:
                    raise ProofFailed(f"{product['id']} stands in two pieces of the catalogue")
                found[product["id"]] = product
        return found

    def _pieces(self, base: list[Filter], fields: Sequence[str]) -> Iterator[Filter | None]:
        """Filters that exclude each other, admit everything together, and can be paged through."""
        if not fields:
            yield from self._price_pieces(base, 0, _DEAREST)
            unpriced: Filter = {"not": {"field": "price_minor", "gte": 0}}
            if self.count({"and": [*base, unpriced]}):
                yield {"and": [*base, unpriced]}
            return
        condition = all_of(base)
        body: Json = {"filter": condition} if condition else {}
        page = self.search(**body, facets=[fields[0]], page_size=1)
        if page["total"]["relation"] == "eq":
            if page["total"]["value"]:
                yield condition
            return
        values = [each["value"] for each in page["facets"].get(fields[0], ())]
        if not values:
            yield from self._pieces(base, fields[1:])
            return
        for value in values:
            yield from self._pieces([*base, {"field": fields[0], "in": [value]}], fields[1:])
        rest: Filter = {"not": {"field": fields[0], "in": values}}
        again = len(base) < _MOST_CONDITIONS
        yield from self._pieces([*base, rest], fields if again else fields[1:])

    def _price_pieces(self, base: list[Filter], low: int, high: int) -> Iterator[Filter]:
        condition: Filter = {"and": [*base, {"field": "price_minor", "gte": low, "lt": high}]}
        total = self.search(filter=condition, page_size=1)["total"]
        if total["relation"] == "eq":
            if total["value"]:
                yield condition
            return
        if high - low < 2:
            raise ProofFailed("more than a thousand products cannot be told apart by filters")
        middle = (low + high) // 2
        yield from self._price_pieces(base, low, middle)
        yield from self._price_pieces(base, middle, high)

    def _answered(self, method: str, path: str, body: Json | None = None) -> Json:
        answer = self._http.request(method, path, content=json.dumps(body) if body else None)
        if answer.status_code != 200:
            raise ProofFailed(f"{method} {path} was answered {answer.status_code}: {answer.text}")
        found: Json = answer.json()
        return found


def all_of(conditions: Sequence[Filter]) -> Filter | None:
    """Joins conditions; none of them is no filter."""
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else {"and": list(conditions)}
