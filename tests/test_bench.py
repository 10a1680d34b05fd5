"""The benchmark measures what it says, over both doors, beside its limit."""

import json
from pathlib import Path

import numpy as np
import pytest

from catalog.store import CatalogStore
from offline.bench import bench, table
from offline.bench_catalog import synthetic_catalog, synthetic_queries
from offline.bench_delays import Delays, histogram, quantile
from offline.bench_fresh import Mix
from offline.bench_load import Caller, Load, closed_loop
from offline.bench_mix import freshness, told
from offline.bench_options import BenchOptions
from offline.house import UpOptions
from offline.layout import DataDir
from offline.ports import two_free_ports
from offline.up import down, up_detached
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from services.image_retriever.index import VectorIndex
from services.text_retriever.index import FORMAT, TextIndex
from tests.running import Running


class _Counting(Caller):
    """Answers at once, and fails where it is told to."""

    def __init__(self, seen: list[int], failing: frozenset[int]) -> None:
        self._seen, self._failing = seen, failing

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to leave."""

    async def call(self, index: int) -> bytes:
        self._seen.append(index)
        if index in self._failing:
            raise ConnectionError
        return b"%d" % index

    def timings(self, answer: bytes) -> dict[str, float]:
        return {"stage": float(answer)}


async def test_each_request_is_sent_once_whoever_sends_it() -> None:
    seen: list[int] = []
    load = await closed_loop(
        lambda _: _Counting(seen, frozenset()), clients=3, requests=50, look_every=10
    )
    assert sorted(seen) == list(range(50))
    assert len(load.latencies_ms) == 50
    assert load.timings_ms == {"stage": 20.0}


async def test_failed_requests_are_counted_and_are_no_figures() -> None:
    load = await closed_loop(lambda _: _Counting([], frozenset({3, 4})), clients=2, requests=10)
    assert load.failures == 2
    assert len(load.latencies_ms) == 8


def test_percentiles_are_of_the_latencies() -> None:
    load = Load(np.arange(1.0, 101.0), 10.0, 0, {})
    assert load.per_second == 10.0
    assert load.percentile_ms(50) == pytest.approx(50.5)


def test_a_running_house_is_measured_over_both_doors(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(running.data, BenchOptions(requests=48), as_json=True) == 0
    rows = json.loads(capsys.readouterr().out)["searches"]
    assert {(row["query"], row["clients"], row["way"]) for row in rows} == {
        (query, clients, way)
        for query in ("text", "filtered", "faceted", "photo", "mixed")
        for clients in (1, 8)
        for way in ("one process", "gRPC", "REST")
    }
    for row in rows:
        assert row["failures"] == 0
        assert row["requests_per_second"] > 0
    served = [row for row in rows if row["way"] != "one process"]
    assert all(row["timings_ms"]["image"] > 0 for row in served)
    assert all(row["share_of_limit"] > 0 for row in served)


def test_the_table_is_markdown() -> None:
    lines = table([]).splitlines()
    assert lines[2].count("|") == lines[3].count("|")


def test_a_synthetic_catalogue_is_a_release_that_finds_its_own(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "synthetic")
    synthetic_catalog(data, products=600)
    store = ArtifactStore(data.artifacts)
    release = store.current()
    assert release is not None
    text = TextIndex.open(store.open("text", release.generations["text"], format=FORMAT).folder)
    image = VectorIndex.open(
        store.open("image", release.generations["image"], format=VectorIndex.FORMAT).folder
    )
    assert len(text) == len(image) == 600
    for query in synthetic_queries(600, 20):
        ids, _ = text.search(text.normalizer.tokens(query), 10)
        assert ids
    synthetic_catalog(data, products=600)
    assert store.current() == release


def test_a_catalogue_of_a_shop_is_never_mixed_with_synthetic_products(world: DataDir) -> None:
    with pytest.raises(SetupError, match="holds a catalogue of its own"):
        synthetic_catalog(world, products=600)


def test_the_delays_of_a_stage_are_read_from_its_histogram() -> None:
    page = (
        'hemline_change_delay_seconds_bucket{kind="a",le="0.1"} 40.0\n'
        'hemline_change_delay_seconds_bucket{kind="b",le="0.1"} 10.0\n'
        'hemline_change_delay_seconds_bucket{kind="a",le="0.5"} 90.0\n'
        'hemline_change_delay_seconds_bucket{kind="a",le="+Inf"} 100.0\n'
        'hemline_other_seconds_bucket{le="0.1"} 7.0\n'
    )
    assert histogram(page) == {0.1: 50.0, 0.5: 90.0, float("inf"): 100.0}
    counts = {0.1: 50.0, 0.5: 90.0, float("inf"): 100.0}
    assert quantile(counts, 0.5) == pytest.approx(0.1)
    assert quantile(counts, 0.7) == pytest.approx(0.3)
    assert quantile(counts, 0.99) == pytest.approx(0.5)
    before = Delays({"text-1": {0.1: 40.0, 0.5: 40.0, float("inf"): 40.0}})
    now = Delays({"text-1": {0.1: 40.0, 0.5: 50.0, float("inf"): 50.0}, "text-2": {}})
    assert now.since(before) == {"text-1": pytest.approx((0.3, 0.48, 0.496))}


def test_writes_beside_searches_are_seen_everywhere_and_undone(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "synthetic")
    synthetic_catalog(data, products=600)
    store = CatalogStore.open(data.database_url)
    before = store.content_digest()
    up_detached(data, UpOptions(port=two_free_ports()))
    try:
        found = freshness(data, Mix(writes=20, searches=5, seconds=4))
    finally:
        down(data)
    assert found.is_good
    assert {place for _, place in found.delays_s} == {"text-1", "image-1", "gateway-1"}
    assert {kind for kind, _ in found.delays_s} == {"price", "upsert", "delete"}
    assert set(found.by_stage) == {"text-1", "image-1"}
    assert (len(found.searches_ms), len(found.writes_ms)) == (20, 80)
    assert store.content_digest() == before
    store.close()
    assert told(found)["failures"] == 0
