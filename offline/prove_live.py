"""Proves on a real catalogue that it lives: ``python -m offline.prove_live --data DIR``.

While a searcher loops without a pause, a thousand products get a price and another one, five
hundred are deleted and put back, everything is paged through, and the release is rolled back and
forward. The catalogue is left as it was found. The shop is spoken to over REST alone, but for
``hemline build`` and ``hemline rollback``, which are run as anybody would.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from offline import run_state
from offline.cli import reported
from offline.house import UpOptions
from offline.layout import DataDir
from offline.live_proof import Proof
from offline.live_searcher import Record, Searcher
from offline.live_shop import Json, ProofFailed, Shop
from offline.ports import two_free_ports
from offline.progress import say
from offline.up import down, up_detached
from runtime.artifacts import ArtifactStore, Release
from runtime.errors import SetupError

PRICED, DELETED = 1000, 500
FIRST_PRICE, SECOND_PRICE = 4_242, 3_131
_TEXTS = 40


def prove(data: DataDir, *, priced: int, deleted: int) -> int:
    """Runs the proof on the house of a data folder; returns 1 when anything did not hold."""
    state = run_state.read(data)
    if state is None:
        raise SetupError(f"nothing runs on {data.root}: start it with `hemline up`")
    shop = Shop(state.url)
    try:
        before = shop.everything()
        searcher = Searcher(state.url, searches_of(before))
        proof = Proof(shop, searcher, before)
        proof.saw("products in the catalogue", str(len(before)))
        searcher.start()
        try:
            run(proof, data, priced=priced, deleted=deleted)
        except ProofFailed as failed:
            proof.check(False, str(failed))
        finally:
            record = searcher.stop()
    except ProofFailed as failed:
        say(f"hemline: {failed}")
        return 1
    finally:
        shop.close()
    judge(proof, record)
    print(table(proof))
    return 1 if proof.wrong else 0


def run(proof: Proof, data: DataDir, *, priced: int, deleted: int) -> None:
    """The steps of a day, in order."""
    ids = sorted(proof.before)
    chosen = ids[:: max(1, len(ids) // priced)][:priced]
    doomed = ids[1 :: max(1, len(ids) // deleted)][:deleted]
    first = current(data)
    proof.give_prices(chosen, FIRST_PRICE)
    proof.give_prices(chosen, SECOND_PRICE)
    proof.delete(doomed)
    proof.put_back(doomed)
    prices: dict[str, int | None] = dict.fromkeys(chosen, SECOND_PRICE)
    prices |= {name: proof.before[name]["price_minor"] for name in doomed}
    proof.page_through(prices)
    hemline("build", "--data", str(data.root))
    built = current(data)
    proof.check(built.name != first.name, "the build of a changed catalogue released nothing")
    proof.swapped(built.name, built.generations)
    hemline("rollback", "--data", str(data.root), "--to", first.name)
    proof.swapped(current(data).name, first.generations)
    # The old snapshot has caught up: what was changed since is still so.
    proof.page_through(prices)
    hemline("rollback", "--data", str(data.root), "--to", built.name)
    proof.swapped(current(data).name, built.generations)
    proof.put_back(chosen)
    proof.page_through({})


def searches_of(products: dict[str, Json]) -> list[Json]:
    """Searches by words, by example, with filters and with facets, out of the catalogue."""
    chosen = sorted(products)[:: max(1, len(products) // _TEXTS)][:_TEXTS]
    found: list[Json] = []
    for place, name in enumerate(chosen):
        product = products[name]
        body: Json = {"text": " ".join(product["title"].split()[:3]), "budget_ms": 5000}
        if place % 4 == 1 and product["colour"]:
            body["filter"] = {"field": "colour", "in": [product["colour"]]}
        if place % 4 == 2:
            body |= {"facets": ["brand", "colour", "price_minor"], "collapse": True}
        if place % 4 == 3 and product["image_state"] == "embedded":
            body = {"parts": [{"product_id": name}], "budget_ms": 5000}
        found.append(body)
    return found


def judge(proof: Proof, record: Record) -> None:
    """Adds what the searcher saw."""
    count = sum(record.statuses.values())
    proof.saw("searches meanwhile", f"{count}, {count - record.statuses[200]} of them not 200")
    figures = ", ".join(f"p{p} {record.percentile_ms(p):.0f} ms" for p in (50, 95, 99))
    proof.saw("their latency", figures)
    degraded = ", ".join(f"{reason} {n}" for reason, n in record.degraded.items())
    proof.saw("degraded answers", degraded or "none")
    proof.saw("releases that answered", ", ".join(record.releases))
    proof.check(count > 0, "nobody searched")
    for wrong in record.wrong:
        proof.check(False, wrong)


def table(proof: Proof) -> str:
    """The lines of the proof as a table in markdown, and the verdict."""
    rows = [f"| {what} | {figure} |" for what, figure in proof.lines]
    verdict = [f"WRONG: {each}" for each in proof.wrong] or ["All of it held."]
    return "\n".join(["| what | seen |", "|---|---|", *rows, "", *verdict])


def current(data: DataDir) -> Release:
    """The release in force.

    Raises:
        SetupError: There is none.
    """
    release = ArtifactStore(data.artifacts).current()
    if release is None:
        raise SetupError(f"nothing is released in {data.root}: run `hemline build`")
    return release


def hemline(*words: str) -> None:
    """Runs the command line as anybody would.

    Raises:
        SetupError: It failed.
    """
    if subprocess.run([sys.executable, "-m", "offline.cli", *words], check=False).returncode:
        raise SetupError(f"`hemline {' '.join(words)}` failed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, starts the house where none runs, and proves."""
    parser = argparse.ArgumentParser(
        prog="python -m offline.prove_live", description="Proves that a catalogue lives."
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data folder")
    parser.add_argument("--priced", type=int, default=PRICED, metavar="N")
    parser.add_argument("--deleted", type=int, default=DELETED, metavar="N")
    options = parser.parse_args(arguments)
    data = DataDir(options.data)

    def work() -> int:
        started = run_state.read(data) is None
        if started:
            replicas = {"text": 2, "image": 2}
            up_detached(data, UpOptions(port=two_free_ports(), replicas=replicas))
        try:
            return prove(data, priced=options.priced, deleted=options.deleted)
        finally:
            if started:
                down(data)

    return reported(work)


if __name__ == "__main__":
    sys.exit(main())
