"""Asks a running gateway what a brute-force search has answered, and compares."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from catalog.product_filter import NUMBER, AllOf, Condition, selected_values, without_field
from offline.finding_facets import FIELDS, check_facets, value_of
from offline.finding_filters import as_json
from offline.finding_record import Record
from offline.finding_truth import Expected, Truth, Wanted, best, fused
from offline.live_shop import Json

PAGE, DEPTH, REACH = 50, 500, 1000
"""Hits of a page; what each retriever is asked for then; what a result holds at most."""
_TIED = 1e-4
_TRIES = 3
_MOST_VARIANTS = 12
_SORTS = ("price_asc", "price_desc", "newest")


@dataclass(frozen=True, slots=True)
class Case:
    """A search, its kind (words, photo, both, list), and the band of its filter."""

    kind: str
    band: int
    wanted: Wanted


class Searched(Protocol):
    """Whom to ask."""

    def search(self, **body: object) -> Json:
        """The answer to a search; raises ProofFailed where there is none."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Holds one gateway to the truth."""

    shop: Searched
    truth: Truth
    record: Record
    draw: random.Random

    def look(self, case: Case) -> None:
        """Asks for one search in every way, and looks at all answers."""
        expected = self.truth.expected(case.wanted)
        body = body_of(case.wanted)
        first = self._walk(case, body | {"facets": FIELDS}, expected)
        self._recall(case, "fused" if len(expected.scores) > 1 else "", first, expected)
        if len(expected.scores) > 1:
            for name in expected.scores:
                alone = body | {"retrievers": [name]}
                self._recall(
                    case, name, self._walk(case, alone, expected.of(name)), expected.of(name)
                )
        self._click(case, body, first, clicks=2)
        styles = body | {"facets": FIELDS, "collapse": True}
        self._click(case, body | {"collapse": True}, self._walk(case, styles, expected), clicks=1)
        self._sort(case, body, expected)

    def _ask(self, body: Json) -> Json:
        """Asks until the answer is whole: what a busy machine does not answer proves nothing."""
        for _ in range(_TRIES):
            answer = self.shop.search(**body)
            if not answer["degraded_reasons"]:
                break
            for reason in answer["degraded_reasons"]:
                self.record.counts[f"asked again for {reason}"] += 1
        reasons = ", ".join(answer["degraded_reasons"])
        self.record.check(not reasons, "an answer is whole", reasons)
        return answer

    def _walk(self, case: Case, body: Json, expected: Expected) -> Json:
        """Pages to the end, and looks at the first page and at all hits; returns that page."""
        first = page = self._ask(body | {"page_size": PAGE})
        hits, total = list(first["hits"]), first["total"]
        while page["next_page_token"] and len(hits) <= REACH:
            token = {"page_token": page["next_page_token"]}
            page = self._ask(body | {"page_size": PAGE} | token)
            self._check(page["total"] == total, "each page tells the same total", case, body)
            hits += page["hits"]
        rows = self._rows(case, hits)
        possible = expected.all_possible
        self._check(bool(possible[rows].all()), "each hit matches, filter and all", case, body)
        self._check(len(set(rows)) == len(rows), "no hit comes twice", case, body)
        ranks = [hit["rank"] for hit in hits]
        self._check(ranks == [*range(1, len(hits) + 1)], "ranks count the hits", case, body)
        reached = f"{len(hits)} of {total}"
        self._check(len(hits) == total["value"], "paging reaches the total", case, body, reached)
        self._total(case, body, first, expected)
        if body.get("collapse"):
            self._styles(case, body, hits, expected)
        if "facets" in body:
            check_facets(self.record, first, body, self.truth.products, expected)
        return first

    def _rows(self, case: Case, hits: Sequence[Json]) -> list[int]:
        names = [hit["product"]["id"] for hit in hits]
        unknown = [name for name in names if name not in self.truth.row_of]
        self._check(not unknown, "each hit is in the catalogue", case, {}, f"{unknown[:3]}")
        return [self.truth.row_of[name] for name in names if name in self.truth.row_of]

    def _total(self, case: Case, body: Json, first: Json, expected: Expected) -> None:
        """The page is full where enough matches, and the total is true."""
        least, most = (
            self._size(body, mask) for mask in (expected.all_sure, expected.all_possible)
        )
        shown, total = len(first["hits"]), first["total"]
        told = f"{shown} hits, {total}, {least} to {most} match"
        depth = REACH if case.kind == "list" else DEPTH
        legs = [int(np.count_nonzero(mask)) for mask in expected.possible.values()]
        is_whole = max(legs) + (case.kind != "list") <= depth
        if total["relation"] == "eq":
            self._check(least <= total["value"] <= most, "a total eq is exact", case, body, told)
            full = min(PAGE, least) <= shown <= min(PAGE, most)
        else:
            self._check(total["value"] <= most, "a total gte is no more", case, body, told)
            self._check(not is_whole, "a total is gte only at the depth", case, body, told)
            # Of a cut result only the first thousand products become styles.
            full = shown == PAGE or bool(body.get("collapse"))
        self._check(full, "a page is full whenever enough match", case, body, told)

    def _size(self, body: Json, mask: npt.NDArray[np.bool_]) -> int:
        if not body.get("collapse"):
            return int(np.count_nonzero(mask))
        return len({self.truth.products[row].style_id for row in np.flatnonzero(mask).tolist()})

    def _styles(self, case: Case, body: Json, hits: Sequence[Json], expected: Expected) -> None:
        """Each hit is a style of its own, and its variants are of it."""
        products, row_of = self.truth.products, self.truth.row_of
        styles = [hit["product"]["style_id"] for hit in hits]
        self._check(len(set(styles)) == len(styles), "a collapsed hit is a style", case, body)
        possible = expected.all_possible
        for hit in hits:
            shown = [each["id"] for each in hit["variants"]]
            rows = [row_of[name] for name in shown if name in row_of]
            holds = (
                len(rows) == len(set(rows)) == len(shown) <= _MOST_VARIANTS
                and hit["product"]["id"] not in shown
                and all(products[row].style_id == hit["product"]["style_id"] for row in rows)
                and bool(possible[rows].all())
            )
            self._check(holds, "variants are of the style, and match", case, body, f"{shown}")

    def _recall(self, case: Case, name: str, first: Json, expected: Expected) -> None:
        scores = expected.scores
        told = name or next(iter(scores))
        wanted = fused(scores, DEPTH) if name == "fused" else scores[told]
        top = best(wanted, PAGE)
        if not len(top):
            return
        least = wanted[top[-1]]
        rows = self._rows(case, first["hits"])
        right = sum(bool(wanted[row] >= least - _TIED * abs(least)) for row in rows)
        self.record.recalls[case.kind, told, case.band].append(min(right / len(top), 1.0))
        for hit in first["hits"]:
            told_of = (hit.get("explanation") or {}).get("retrievers", {}).get(told)
            row = self.truth.row_of.get(hit["product"]["id"])
            if told_of and row is not None and case.kind != "list" and wanted[row] > -np.inf:
                self.record.deviates(told, abs(told_of["score"] - float(wanted[row])))

    def _click(self, case: Case, body: Json, first: Json, *, clicks: int) -> None:
        """Chooses values of facets, and looks whether so many are found with them."""
        shown = [(name, each) for name in FIELDS for each in first["facets"][name] if each["count"]]
        for name, each in self.draw.sample(shown, min(clicks, len(shown))):
            base, total = case.wanted.filter, first["total"]
            if base is not None and selected_values(base, name) is not None:
                # Its values were counted without what the filter says of the field.
                base = without_field(base, name)
                unfiltered = {"filter": as_json(base) if base else None, "page_size": PAGE}
                total = self._ask(body | unfiltered)["total"]
            value = (
                Condition(name, gte=each["gte"], lt=each["lt"])
                if name == NUMBER
                else Condition(name, (value_of(each),))
            )
            clicked = as_json(AllOf((base, value)) if base else value)
            found = self._ask(body | {"filter": clicked, "page_size": PAGE})["total"]
            told = f"{name} {each}, then {found}; {total} before"
            if total["relation"] == "eq":
                is_so = found == {"value": each["count"], "relation": "eq"}
                self._check(is_so, "a facet of an exact total, clicked", case, body, told)
            else:
                is_so = found["value"] >= each["count"]
                self._check(is_so, "a facet of a total gte, clicked", case, body, told)

    def _sort(self, case: Case, body: Json, expected: Expected) -> None:
        """Sorts one way, and holds the first page to the order."""
        sort = self.draw.choice(_SORTS)
        answer = self._ask(body | {"sort": sort, "page_size": PAGE})
        rows = self._rows(case, answer["hits"])
        keys = [self._key(row, sort) for row in rows]
        self._check(keys == sorted(keys), "a sorted page is in order", case, body, sort)
        if answer["total"]["relation"] == "eq" and expected.is_settled:
            every = sorted(
                self._key(row, sort) for row in np.flatnonzero(expected.all_sure).tolist()
            )
            self._check(keys == every[:PAGE], "a sorted page has the first", case, body, sort)

    def _key(self, row: int, sort: str) -> tuple[bool, int, str]:
        product = self.truth.products[row]
        if sort == "newest":
            return False, -product.added_seq, product.id
        price = product.price_minor
        sign = 1 if sort == "price_asc" else -1
        return price is None, sign * (price or 0), product.id

    def _check(self, holds: bool, promise: str, case: Case, body: Json, told: str = "") -> None:
        more = {key: body[key] for key in ("retrievers", "collapse") if key in body}
        self.record.check(holds, promise, f"{told} {more} of {case}" if not holds else "")


def body_of(wanted: Wanted) -> Json:
    """Returns a search as the public API reads it, by plain words and plain ranks."""
    body: Json = {
        "explain": True,
        "fusion": {"method": "rrf"},
        "understand": {"enabled": False},
    }
    if wanted.words:
        body["text"] = wanted.words
    if wanted.example:
        body["parts"] = [{"product_id": wanted.example}]
    elif wanted.photo:
        body["parts"] = [{"image": {"sha256": wanted.photo}}]
    if wanted.filter is not None:
        body["filter"] = as_json(wanted.filter)
    return body
