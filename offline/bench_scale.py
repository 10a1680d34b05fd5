"""Measures how a system grows: the same synthetic shop in several sizes, as one table."""

import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from offline import run_state
from offline.bench_catalog import synthetic_queries
from offline.bench_fresh import Fresh, Mix
from offline.bench_load import Load, closed_loop
from offline.bench_mix import freshness
from offline.bench_options import BenchOptions
from offline.bench_workload import QUERIES, Workload, brands_of
from offline.house import UpOptions
from offline.layout import DataDir
from offline.ports import two_free_ports
from offline.progress import say
from offline.run_state import RunState
from offline.up import down, up_detached
from runtime.errors import SetupError

KINDS = ("text", "filtered", "faceted")
CLIENTS = 1
_BUILT = "bench.json"
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Built:
    """What making a catalogue and its release took: seconds, and MiB at the peak."""

    seconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Size:
    """One size of the shop.

    Attributes:
        products: How many.
        built: What making it took.
        disk_mib: MiB on disk: database, text, image, encoder.
        start_s: Seconds from nothing to a house that is ready.
        memory_mib: Resident MiB of a replica of each stage after the searches.
        searches: Latencies by kind of query, one client over gRPC.
        fresh: What writes beside searches came to.
    """

    products: int
    built: Built
    disk_mib: Mapping[str, float]
    start_s: float
    memory_mib: Mapping[str, float]
    searches: Mapping[str, Load]
    fresh: Fresh


def scale(
    root: Path, sizes: Sequence[int], options: BenchOptions, mix: Mix, *, as_json: bool
) -> int:
    """Makes and measures each size in a folder ``bench-N`` below ``root``, and prints the table.

    Raises:
        SetupError: A catalogue cannot be made, or a house not be started.
    """
    found = []
    for products in sizes:
        data = DataDir(root / f"bench-{products}")
        built = make(data, products)
        found.append(_measure(data, products, built, options, mix))
    print(json.dumps([as_values(each) for each in found], indent=1) if as_json else table(found))
    return 0 if all(each.fresh.is_good for each in found) else 1


def make(data: DataDir, products: int) -> Built:
    """Makes the catalogue in a process of its own, so that its memory can be told.

    One that is there already is kept, with the figures of its making.

    Raises:
        SetupError: It cannot be made.
    """
    known = data.root / _BUILT
    if known.exists():
        return Built(**json.loads(known.read_text()))
    code = (
        "import sys; from pathlib import Path; from offline.layout import DataDir\n"
        "from offline.bench_catalog import synthetic_catalog\n"
        "synthetic_catalog(DataDir(Path(sys.argv[1])), products=int(sys.argv[2]))"
    )
    say(f"Making {products} products ...")
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", code, str(data.root), str(products)])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SetupError(f"{products} products could not be made in {data.root}")
    built = Built(time.monotonic() - began, used.ru_maxrss / 1024)
    known.write_text(json.dumps(asdict(built)))
    return built


def _measure(data: DataDir, products: int, built: Built, options: BenchOptions, mix: Mix) -> Size:
    if run_state.read(data) is not None:
        down(data)
    began = time.monotonic()
    up_detached(data, UpOptions(port=two_free_ports(), replicas=options.replicas))
    start_s = time.monotonic() - began
    try:
        state = run_state.read(data)
        if state is None:
            raise SetupError(f"the house of {data.root} ended")
        searches = {kind: _searches(data, state, kind, products, options) for kind in KINDS}
        memory = _memory_mib(state)
        fresh = freshness(data, mix)
    finally:
        down(data)
    return Size(products, built, _disk_mib(data), start_s, memory, searches, fresh)


def _searches(
    data: DataDir, state: RunState, kind: str, products: int, options: BenchOptions
) -> Load:
    """Measures one kind over gRPC after each query was sent once."""
    words = synthetic_queries(products, QUERIES)
    key = os.environ.get("HEMLINE_API_KEY", "")
    work = Workload(words, np.zeros((0, 0), np.float32), [], key, brands_of(data))

    def run(requests: int) -> Load:
        return asyncio.run(
            closed_loop(
                lambda salt: work.grpc(state.grpc, kind, salt), clients=CLIENTS, requests=requests
            )
        )

    say(f"Measuring {kind} ...")
    run(min(QUERIES, options.requests))
    return run(options.requests)


def _disk_mib(data: DataDir) -> dict[str, float]:
    folders = {"text": "text", "image": "image", "encoder": "encoder"}
    found = {kind: _tree_mib(data.artifacts / name) for kind, name in folders.items()}
    database = sum(path.stat().st_size for path in data.root.glob(f"{data.database.name}*"))
    return {"database": database / _MIB, **found}


def _tree_mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / _MIB


def _memory_mib(state: RunState) -> dict[str, float]:
    """Resident memory of the largest replica of each stage, its children with it."""
    found: dict[str, float] = {}
    for member in state.members:
        process = psutil.Process(member.pid)
        family = [process, *process.children(recursive=True)]
        mib = sum(each.memory_info().rss for each in family) / _MIB
        found[member.stage] = max(found.get(member.stage, 0.0), mib)
    return found


def table(found: Sequence[Size]) -> str:
    """Returns the sizes as a table in markdown, one column each."""
    lines = [
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "",
        "| products | " + " | ".join(f"{each.products:,}" for each in found) + " |",
        "|---|" + "---|" * len(found),
    ]
    for name in rows_of(found[0]) if found else ():
        lines.append(f"| {name} | " + " | ".join(rows_of(each)[name] for each in found) + " |")
    return "\n".join(lines)


def rows_of(size: Size) -> dict[str, str]:
    """The figures of one size by their name, as they are shown."""
    rows = {
        "made and built, s": f"{size.built.seconds:.0f}",
        "memory of the making, MiB": f"{size.built.peak_mib:.0f}",
        **{f"disk, {name}, MiB": f"{mib:.0f}" for name, mib in size.disk_mib.items()},
        "house ready after, s": f"{size.start_s:.0f}",
        **{f"memory, {stage}, MiB": f"{mib:.0f}" for stage, mib in size.memory_mib.items()},
    }
    for kind, load in size.searches.items():
        figures = " / ".join(f"{load.percentile_ms(percent):.1f}" for percent in (50, 95, 99))
        rows[f"search, {kind}, p50 / p95 / p99 ms"] = figures
    for change in ("price", "upsert", "delete"):
        delays = [
            delay
            for (kind, _), each in size.fresh.delays_s.items()
            if kind == change
            for delay in each
        ] or [np.nan]
        figures = " / ".join(f"{np.percentile(delays, percent):.2f}" for percent in (50, 95, 99))
        rows[f"{change} shown by a replica after, p50 / p95 / p99 s"] = figures
    taken = size.fresh.searches_ms or [np.nan]
    figures = " / ".join(f"{np.percentile(taken, percent):.0f}" for percent in (50, 95, 99))
    rows["search beside writes, p50 / p95 / p99 ms"] = figures
    rows["never shown, failed"] = f"{sum(size.fresh.never.values())}, {size.fresh.failures}"
    return rows


def as_values(size: Size) -> dict[str, object]:
    """One size as JSON values."""
    return {"products": size.products, **rows_of(size)}
