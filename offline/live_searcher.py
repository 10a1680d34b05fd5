"""Searches without a pause while something else happens, and writes down what was wrong."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx
import numpy as np

from offline.live_shop import Json

_KEPT = 20


@dataclass(slots=True)
class Record:
    """What the searches of one searcher came to; ``wrong`` keeps the first of each kind."""

    latencies_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    degraded: Counter[str] = field(default_factory=Counter)
    releases: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def percentile_ms(self, percent: float) -> float:
        """The latency that so many percent of the searches stay below; NaN without any."""
        return float(np.percentile(self.latencies_ms, percent)) if self.latencies_ms else np.nan


@dataclass(frozen=True, slots=True)
class _Expected:
    """What held when a search was sent."""

    epoch: int
    gone: Mapping[str, float]
    prices: Mapping[str, tuple[int | None, float]]


class Searcher:
    """A few clients that search in a loop until stopped.

    An answer is wrong when it is no 200, when it shows a product whose deletion had been
    acknowledged before the search was sent, or a price that had been replaced by then.

    Args:
        url: The gateway.
        bodies: Searches, one after the other and again from the start.
        clients: How many at the same time.
        key: API key; empty where none is needed.
    """

    def __init__(
        self, url: str, bodies: Sequence[Json], *, clients: int = 2, key: str = ""
    ) -> None:
        self._url, self._bodies = url, bodies
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"searcher-{number}")
            for number in range(clients)
        ]
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._gone: dict[str, float] = {}
        self._prices: dict[str, tuple[int | None, float]] = {}
        self._epoch = 0  # moves when what was expected no longer is
        self.record = Record()

    def start(self) -> None:
        """Begins to search."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> Record:
        """Ends the searches and returns what came of them."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        return self.record

    def expect_gone(self, product_id: str) -> None:
        """From now on no answer may show the product."""
        with self._lock:
            self._gone[product_id] = time.monotonic()

    def expect_back(self, product_ids: Sequence[str]) -> None:
        """From now on answers may show the products again."""
        with self._lock:
            self._epoch += 1
            for product_id in product_ids:
                self._gone.pop(product_id, None)

    def expect_price(self, prices: dict[str, int | None], *, within_s: float) -> None:
        """Answers to searches sent ``within_s`` seconds from now show these prices, if any."""
        after = time.monotonic() + within_s
        with self._lock:
            self._prices |= {name: (price, after) for name, price in prices.items()}

    def forget_prices(self) -> None:
        """From now on any price will do: they are about to change."""
        with self._lock:
            self._epoch += 1
            self._prices.clear()

    def _work(self, number: int) -> None:
        with httpx.Client(
            base_url=self._url, timeout=30, headers=self._headers, trust_env=False
        ) as http:
            while not self._over.is_set():
                body = self._bodies[number % len(self._bodies)]
                number += 1
                with self._lock:
                    expected = _Expected(self._epoch, dict(self._gone), dict(self._prices))
                sent = time.monotonic()
                try:
                    answer = http.post("/v1/search", json=body)
                except httpx.HTTPError as error:
                    self._complain(f"no answer: {error}")
                    continue
                self._enter(answer, sent)
                if answer.status_code == 200:
                    self._look(answer.json(), sent, expected)

    def _enter(self, answer: httpx.Response, sent: float) -> None:
        with self._lock:
            self.record.latencies_ms.append((time.monotonic() - sent) * 1000)
            self.record.statuses[answer.status_code] += 1
        if answer.status_code != 200:
            self._complain(f"a search was answered {answer.status_code}: {answer.text[:200]}")

    def _look(self, answer: Json, sent: float, expected: "_Expected") -> None:
        with self._lock:
            self.record.degraded.update(answer["degraded_reasons"])
            if answer["release"] not in self.record.releases:
                self.record.releases.append(answer["release"])
            is_over = expected.epoch != self._epoch
        products = [hit["product"] for hit in answer["hits"]]
        if len({product["id"] for product in products}) != len(products):
            self._complain("an answer shows a product twice")
        if is_over:
            return
        for product in products:
            name, shown = product["id"], product["price_minor"]
            if expected.gone.get(name, sent) < sent:
                self._complain(f"{name} is in an answer after its deletion")
            price, after = expected.prices.get(name, (None, sent))
            if after < sent and shown != price:
                self._complain(f"{name} is shown at {shown}, not {price}")

    def _complain(self, what: str) -> None:
        with self._lock:
            if len(self.record.wrong) < _KEPT:
                self.record.wrong.append(what)
