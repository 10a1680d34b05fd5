"""The proof of a living catalogue holds on a good shop, and notices what a bad one does."""

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from offline import prove_live
from offline.layout import DataDir
from offline.live_searcher import Searcher
from offline.live_shop import Json, ProofFailed, Shop
from tests.waiting import eventually

REACH = 10
"""What a listing of the fake reaches at most, as a thousand is of the real one."""


@dataclass
class Fake:
    """A gateway that lists products of a kind and a colour, ten to a page of four."""

    products: list[Json]
    twice: bool = False
    server: ThreadingHTTPServer = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def search(self, body: Json) -> Json:
        admitted = [each for each in self.products if admits(body.get("filter"), each)]
        size = min(body["page_size"], 4) if "page_size" in body else 4
        start = int(body.get("page_token") or 0)
        reached = admitted[:REACH]
        page = reached[start : start + size]
        if self.twice and start:
            page = reached[:size]
        return {
            "hits": [{"product": each} for each in page],
            "total": {
                "value": len(reached),
                "relation": "eq" if len(admitted) <= REACH else "gte",
            },
            "facets": {
                name: [{"value": value} for value in sorted({each[name] for each in reached})]
                for name in body.get("facets", ())
            },
            "next_page_token": str(start + size) if start + size < len(reached) else None,
            "degraded_reasons": [],
            "release": "r-000001",
        }


def admits(found: Any, product: Json) -> bool:
    if found is None:
        return True
    if "and" in found:
        return all(admits(each, product) for each in found["and"])
    if "not" in found:
        return not admits(found["not"], product)
    value = product[found["field"]]
    if "in" in found:
        return value in found["in"]
    return value is not None and found["gte"] <= value < found.get("lt", 1 << 62)


@pytest.fixture
def fake() -> Iterator[Fake]:
    products = [
        {
            "id": f"p-{number:03d}",
            "kind": ("dress", "shirt", "coat")[number % 3],
            "colour": ("red", "blue")[number % 2],
            "brand": "one",
            "gender": "",
            "season": "",
            "price_minor": 100 + number,
        }
        for number in range(100)
    ]
    made = Fake(products)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            raw = json.dumps(made.search(body)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its word
            """Says nothing."""

    made.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.server.daemon_threads = True
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_everything_is_paged_through_in_pieces(fake: Fake) -> None:
    shop = Shop(fake.url)
    assert sorted(shop.everything()) == [each["id"] for each in fake.products]
    shop.close()


def test_a_product_that_comes_twice_is_noticed(fake: Fake) -> None:
    fake.twice = True
    shop = Shop(fake.url)
    with pytest.raises(ProofFailed, match="came twice"):
        shop.everything()
    shop.close()


def complaints(fake: Fake, expect: Any) -> list[str]:
    searcher = Searcher(fake.url, [{"text": "dress"}], clients=1)
    expect(searcher)
    searcher.start()
    eventually(lambda: len(searcher.record.latencies_ms) > 3)
    return searcher.stop().wrong


def test_a_searcher_without_expectations_has_nothing_to_say(fake: Fake) -> None:
    assert complaints(fake, lambda searcher: None) == []


def test_a_deleted_product_in_an_answer_is_noticed(fake: Fake) -> None:
    found = complaints(fake, lambda searcher: searcher.expect_gone("p-001"))
    assert found[0] == "p-001 is in an answer after its deletion"
    put_back = complaints(
        fake, lambda searcher: (searcher.expect_gone("p-001"), searcher.expect_back(["p-001"]))
    )
    assert put_back == []


def test_an_old_price_in_an_answer_is_noticed(fake: Fake) -> None:
    found = complaints(fake, lambda searcher: searcher.expect_price({"p-001": 7}, within_s=0))
    assert found[0] == "p-001 is shown at 101, not 7"
    right = complaints(fake, lambda searcher: searcher.expect_price({"p-001": 101}, within_s=0))
    assert right == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_proof_holds_on_the_small_world(
    world: DataDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "world"
    shutil.copytree(world.root, root, ignore=shutil.ignore_patterns("run", "runs"))
    assert prove_live.main(["--data", str(root), "--priced", "60", "--deleted", "30"]) == 0
    said = capsys.readouterr().out
    assert "All of it held." in said
    assert "| products in the catalogue | 240 |" in said
