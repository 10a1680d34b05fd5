"""Measures a running system, and in the same run what one process without a network could do."""

import asyncio
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import psutil

from offline import bench_limit, run_state
from offline.bench_catalog import synthetic_catalog, synthetic_queries
from offline.bench_fresh import table as fresh_table
from offline.bench_load import Caller, Load, closed_loop
from offline.bench_mix import freshness, told
from offline.bench_options import BenchOptions
from offline.bench_workload import PAGE_SIZE, QUERIES, Workload, brands_of, catalog_queries
from offline.house import UpOptions
from offline.layout import DataDir
from offline.ports import two_free_ports
from offline.progress import say
from offline.run_state import RunState
from offline.up import down, up_detached
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from services.image_retriever.architecture import FORMAT as ENCODER_FORMAT
from services.image_retriever.encoder import open_encoder
from services.image_retriever.index import VectorIndex
from services.text_retriever.index import FORMAT as TEXT_FORMAT
from services.text_retriever.index import TextIndex

CLIENTS = (1, 8)
DEPTH = 10 * PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    way: str
    query: str
    clients: int
    load: Load
    limit: float
    cpu_ms: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def share(self) -> float:
        """Requests a second as a share of the limit with the same clients."""
        return self.load.per_second / self.limit


def bench(data: DataDir, options: BenchOptions, *, as_json: bool = False) -> int:
    """Prints the table; starts the system for the time of the measurement if it does not run.

    Raises:
        SetupError: There is nothing to measure.
    """
    if options.products:
        synthetic_catalog(data, products=options.products)
    started = run_state.read(data) is None
    if started:
        up_detached(data, UpOptions(port=two_free_ports(), replicas=options.replicas))
    try:
        rows = measure(data, options) if options.searches else []
        fresh = freshness(data, options.mix) if options.mix else None
    finally:
        if started:
            down(data)
    if as_json:
        print(
            json.dumps(
                {"searches": [_as_json(row) for row in rows], "fresh": fresh and told(fresh)}
            )
        )
    else:
        shown = [table(rows)] if rows else []
        shown += [fresh_table(fresh, options.mix)] if fresh and options.mix else []
        print("\n\n".join(shown))
    is_good = all(row.load.failures == 0 for row in rows) and (fresh is None or fresh.is_good)
    return 0 if is_good else 1


def measure(data: DataDir, options: BenchOptions) -> list[Row]:
    """Measures limit, gRPC and REST, for each kind of query and number of clients."""
    state = run_state.read(data)
    if state is None:
        raise SetupError(f"nothing runs on {data.root}: start it with `hemline up`")
    limit = _open_limit(data)
    work = _workload(data, options, limit)
    rows: list[Row] = []
    for query in work.kinds:
        with_photo = query in ("photo", "mixed")
        requests = max(8, options.requests // 4) if with_photo else options.requests
        search = _in_process(limit, work, query)
        doors: dict[str, Callable[[int], Caller]] = {
            "gRPC": partial(work.grpc, state.grpc, query),
            "REST": partial(work.rest, state.url, query),
        }
        _warm(doors, min(requests, QUERIES))
        for clients in CLIENTS:
            say(f"Measuring {query}, {clients} client{'s' * (clients > 1)} ...")
            most = bench_limit.threads(search, clients=clients, requests=requests)
            rows.append(Row("one process", query, clients, most, most.per_second))
            for way, make in doors.items():
                # Photos of numbers that were not sent before: nobody has their vectors yet.
                loop = closed_loop(make, clients=clients, requests=requests, salt=100 * len(rows))
                before = _cpu_s(state)
                load = asyncio.run(loop)
                spent = {name: s - before[name] for name, s in _cpu_s(state).items()}
                cpu_ms = {name: 1000 * s / requests for name, s in spent.items()}
                rows.append(Row(way, query, clients, load, most.per_second, cpu_ms))
    return rows


def table(rows: Sequence[Row]) -> str:
    """Returns the rows as a markdown table, with the machine in its title."""
    lines = [
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {len(os.sched_getaffinity(0))} cores; "
        f"page of {PAGE_SIZE}, {DEPTH} candidates a retriever",
        "",
        "| query | clients | way | requests/s | p50 ms | p95 ms | p99 ms | of the limit | failed "
        "| mean ms a stage | processor ms a request |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        load = row.load
        waited = ", ".join(f"{name} {value:.1f}" for name, value in load.timings_ms.items())
        spent = ", ".join(f"{name} {ms:.1f}" for name, ms in row.cpu_ms.items() if ms >= 0.05)
        figures = " | ".join(f"{load.percentile_ms(percent):.1f}" for percent in (50, 95, 99))
        lines.append(
            f"| {row.query} | {row.clients} | {row.way} | {load.per_second:.0f} | {figures} "
            f"| {row.share:.2f} | {load.failures} | {waited} "
            f"| {spent} |"
        )
    return "\n".join(lines)


def _open_limit(data: DataDir) -> bench_limit.Limit:
    store = ArtifactStore(data.artifacts)
    release = store.current()
    if release is None:
        raise SetupError(f"nothing is built in {data.root}")
    formats = {"text": TEXT_FORMAT, "image": VectorIndex.FORMAT, "encoder": ENCODER_FORMAT}
    folders = {
        kind: store.open(kind, release.generations[kind], format=number).folder
        for kind, number in formats.items()
    }
    return bench_limit.Limit(
        TextIndex.open(folders["text"]),
        VectorIndex.open(folders["image"]),
        open_encoder(folders["encoder"]),
        DEPTH,
        PAGE_SIZE,
    )


def _workload(data: DataDir, options: BenchOptions, limit: bench_limit.Limit) -> Workload:
    if options.products:
        words, photos = synthetic_queries(options.products, QUERIES), list[bytes]()
    else:
        words, photos = catalog_queries(data)
    vectors, known = limit.encoder.encode_texts(words)
    words = [text for text, is_known in zip(words, known, strict=True) if is_known]
    key = os.environ.get("HEMLINE_API_KEY", "")
    return Workload(words, vectors[known], photos, key, brands_of(data))


def _in_process(
    limit: bench_limit.Limit, work: Workload, query: str
) -> Callable[[int], Sequence[str]]:
    def search(index: int) -> Sequence[str]:
        place = index % len(work.words)
        if query in ("text", "filtered", "faceted"):  # the limit filters and counts nothing
            return limit.by_words(work.words[place], work.vectors[place])
        photo = work.photos[index % len(work.photos)]
        if query == "photo":
            return limit.by_photo(photo)
        return limit.by_both(work.words[place], work.vectors[place], photo)

    return search


def _warm(doors: Mapping[str, Callable[[int], Caller]], requests: int) -> None:
    """Sends each query once: the measurement is of kept query vectors, as a shop's mostly are."""
    for number, make in enumerate(doors.values()):
        asyncio.run(closed_loop(make, clients=2, requests=requests, salt=90_000 + 10 * number))


def _cpu_s(state: RunState) -> dict[str, float]:
    """Processor seconds until now of each stage, its children with it, and of the generator."""
    spent = {"generator": time.process_time()}
    for member in state.members:
        process = psutil.Process(member.pid)
        family = [process, *process.children(recursive=True)]
        seconds = sum(sum(each.cpu_times()[:2]) for each in family)
        spent[member.stage] = spent.get(member.stage, 0.0) + seconds
    return spent


def _as_json(row: Row) -> dict[str, object]:
    load = row.load
    return {
        "query": row.query,
        "clients": row.clients,
        "way": row.way,
        "requests_per_second": round(load.per_second, 1),
        **{f"p{percent}_ms": round(load.percentile_ms(percent), 2) for percent in (50, 95, 99)},
        "share_of_limit": round(row.share, 3),
        "failures": load.failures,
        "timings_ms": load.timings_ms,
        "cpu_ms": dict(row.cpu_ms),
    }
