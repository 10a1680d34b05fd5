"""The proof of finding holds on a good shop, and notices what a bad one does."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from catalog.normalize import Normalizer
from catalog.product_filter import admits
from offline import prove_finding
from offline.finding_filters import BANDS, Drawer, as_json
from offline.finding_proof import Proof
from offline.finding_record import Record
from offline.finding_truth import Bm25, Truth
from offline.live_shop import Json, Shop
from services.gateway.schemas_filter import FilterBody, to_filter
from services.text_retriever.index import TextIndex
from tests.running import Running
from tests.shop import shop

RECALL = "recall@50 of each kind, retriever and band is .95 or more"


def test_words_are_scored_as_the_index_scores_them(tmp_path: Path) -> None:
    products = shop()
    TextIndex.write(products, tmp_path)
    index, exact = TextIndex.open(tmp_path), Bm25(products, Normalizer())
    for text in ("red dress", "striped", "navy plain coat women", "nothing of this"):
        ids, scores = index.search(Normalizer().tokens(text), len(products))
        expected = exact.scores(text)
        assert sum(expected > -np.inf) == len(ids)
        found = dict(zip(ids, scores.tolist(), strict=True))
        for product, score in zip(products, expected.tolist(), strict=True):
            assert found.get(product.id, -np.inf) == pytest.approx(score, rel=1e-4)


def test_filters_are_drawn_alike_and_lie_in_their_bands() -> None:
    products = shop()
    drawn = Drawer(products, 3).draw(40)
    assert drawn == Drawer(products, 3).draw(40)
    assert drawn != Drawer(products, 4).draw(40)
    assert len(drawn) == 40
    for found, band in drawn:
        low, high = BANDS[band]
        assert low < sum(admits(found, each) for each in products) / len(products) <= high
        assert to_filter(FilterBody.model_validate(as_json(found))) == found
    assert {band for _, band in drawn} == {0, 1, 2, 3, 4}


@dataclass(frozen=True)
class Tampering:
    """A shop whose answers are changed on the way."""

    shop: Shop
    tamper: Callable[[Json, Json], None]

    def search(self, **body: object) -> Json:
        answer = self.shop.search(**body)
        self.tamper(body, answer)
        return answer


def unfiltered(body: Json, answer: Json) -> None:
    """Shows products whatever the filter says of them."""
    for place, hit in enumerate(answer["hits"]):
        hit["product"]["id"] = f"p-{place:06d}"


def twice(body: Json, answer: Json) -> None:
    answer["hits"][-1:] = answer["hits"][:1]


def short(body: Json, answer: Json) -> None:
    del answer["hits"][-1:]


def miscounted(body: Json, answer: Json) -> None:
    for shown in answer["facets"].values():
        for each in shown[:1]:
            each["count"] += 1


def promising(body: Json, answer: Json) -> None:
    answer["total"]["value"] += 1


def evasive(body: Json, answer: Json) -> None:
    answer["total"]["relation"] = "gte"


def unsorted(body: Json, answer: Json) -> None:
    if "sort" in body:
        answer["hits"].reverse()


def stray(body: Json, answer: Json) -> None:
    """Shows a product as its own variant."""
    for hit in answer["hits"] if body.get("collapse") else ():
        hit["variants"].append({"id": hit["product"]["id"]})


def silent(body: Json, answer: Json) -> None:
    answer["degraded_reasons"].append("timeout_partial")


def honest(body: Json, answer: Json) -> None:
    """Changes nothing."""


def missing(body: Json, answer: Json) -> None:
    """Finds others than the best: the hits of the first page give way to what comes later."""
    if not body.get("page_token") and answer["next_page_token"]:
        del answer["hits"][:5]


@pytest.fixture(scope="module")
def truth(running: Running) -> Truth:
    return prove_finding.truth_of(running.data)


def broken(running: Running, truth: Truth, tamper: Callable[[Json, Json], None]) -> dict[str, int]:
    """The promises that a few searches of a tampered shop break."""
    record, draw, real = Record(), random.Random(1), Shop(running.rest_url)
    proof = Proof(Tampering(real, tamper), truth, record, draw)
    try:
        for found, band in Drawer(truth.products, 1).draw(5):
            for case in prove_finding.cases(truth, draw, found, band):
                proof.look(case)
    finally:
        real.close()
    record.judge()
    return dict(record.wrong)


def test_an_honest_shop_breaks_nothing(running: Running, truth: Truth) -> None:
    assert broken(running, truth, honest) == {}


@pytest.mark.parametrize(
    ("tamper", "promises"),
    [
        (unfiltered, ["each hit matches, filter and all"]),
        (twice, ["no hit comes twice"]),
        (short, ["paging reaches the total", "a page is full whenever enough match", RECALL]),
        (missing, [RECALL]),
        (miscounted, ["facets count what matches", "a facet of an exact total, clicked"]),
        (promising, ["a total eq is exact"]),
        (evasive, ["a total is gte only at the depth"]),
        (unsorted, ["a sorted page is in order"]),
        (stray, ["variants are of the style, and match"]),
        (silent, ["an answer is whole"]),
    ],
)
def test_what_a_shop_does_wrong_is_noticed(
    running: Running,
    truth: Truth,
    tamper: Callable[[Json, Json], None],
    promises: list[str],
) -> None:
    assert set(promises) <= broken(running, truth, tamper).keys()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_proof_holds_on_the_small_world(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ["--data", str(running.data.root), "--filters", "40"]
    assert prove_finding.main(told) == 0
    assert "All of it held." in capsys.readouterr().out
