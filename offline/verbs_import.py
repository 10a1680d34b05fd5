"""Does what `hemline import`, `images` and `export` ask for."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from offline.layout import DataDir
from offline.progress import say
from runtime.errors import SetupError

if TYPE_CHECKING:
    from offline.importing.events import Choice
    from offline.importing.plan import ImportReport, Plan

ROOM_MIB = 200
MAX_THREADS = 256
_EVENTS = ("hm", "amazon-2023", "amazon-2014", "dvbpr")
# Options that mean something to some formats only.
_ONLY_FOR = {
    "k_core": (*_EVENTS, "table"),
    "tail_k": (*_EVENTS, "table"),
    "price_factor": ("hm",),
    "map": ("table",),
    "yes": ("table",),
    "interactions": ("table",),
    "currency": ("table", "hm", "amazon-2014", "amazon-2023"),
    "masked": ("deepfashion",),
}


def import_catalog(options: argparse.Namespace) -> int:
    """Imports a catalogue and says what came of it; 1 when there is nothing in it."""
    from offline.disk import require_room
    from offline.importing.frame import run_import
    from offline.importing.plan import EventPart, ImportOptions

    for name, formats in _ONLY_FOR.items():
        if getattr(options, name) and options.format not in formats:
            raise SetupError(f"--{name.replace('_', '-')} is for {', '.join(formats)} only")
    if options.currency and not re.fullmatch("[A-Z]{3}", options.currency):
        raise SetupError("--currency is a code of three capital letters, such as EUR")
    require_room(options.data, mib=ROOM_MIB)
    chosen = ImportOptions(choice=_choice(options), mended=options.rows)
    plan = _plan(options)
    if not chosen.choice.asks_nothing and not any(isinstance(p, EventPart) for p in plan.parts):
        raise SetupError("--k-core and --tail-k choose among events, and this import holds none")
    for note in plan.notes:
        say(note)
    return _told(run_import(plan, DataDir(options.data), chosen))


def fetch_images(options: argparse.Namespace) -> int:
    """Fetches photos; 1 when some are still waiting."""
    from offline.fetch_images import FetchOptions
    from offline.fetch_images import fetch_images as fetch
    from offline.importing.politeness import Politeness
    from offline.importing.safe_fetch import FetchLimits, SafeFetcher

    if not 1 <= options.threads <= MAX_THREADS or options.per_server < 1:
        raise SetupError(f"--threads is 1 to {MAX_THREADS}, and --per-server 1 or more")
    chosen = FetchOptions(
        threads=options.threads,
        politeness=Politeness(options.per_server),
        retry_failed=options.retry_failed,
    )
    fetcher = SafeFetcher(FetchLimits(plain_http=options.plain_http))
    report = fetch(DataDir(options.data), fetcher, chosen)
    standing = report.standing
    say(
        f"{report.fetched} photos fetched; {standing.fetched} are there, "
        f"{standing.waiting} are waiting, {standing.failed} cannot be had"
    )
    for reason, count in sorted(report.problems.items()):
        say(f"  {count}: {reason}")
    return 1 if standing.waiting else 0


def export_catalog(options: argparse.Namespace) -> int:
    """Writes the catalogue into a file."""
    from offline.export import export

    report = export(
        DataDir(options.data),
        options.path,
        interactions=options.interactions,
        photos=options.photos,
    )
    what = "events" if options.interactions else "products"
    say(f"{report.rows} {what} are in {options.path}")
    if options.photos:
        say(f"{report.photos} photos are beside it, {report.missing_photos} were missing")
    return 0


def _plan(options: argparse.Namespace) -> "Plan":
    path: Path = options.path
    if options.format == "table":
        from offline.importing.table import TableOptions, plan_table

        chosen = TableOptions(
            tuple(options.map), options.currency, options.interactions, options.yes
        )
        return plan_table(path, chosen)
    if options.format == "hm":
        from offline.importing.hm import plan_hm

        return plan_hm(path, currency=options.currency, price_factor=options.price_factor)
    if options.format == "amazon-2023":
        from offline.importing.amazon_2023 import plan_amazon_2023

        return plan_amazon_2023(path, currency=options.currency)
    if options.format == "amazon-2014":
        from offline.importing.amazon_2014 import plan_amazon_2014

        return plan_amazon_2014(path, currency=options.currency)
    if options.format == "deepfashion":
        from offline.importing.deepfashion import plan_deepfashion

        return plan_deepfashion(path, masked=options.masked)
    if options.format == "dvbpr":
        from offline.importing.dvbpr import plan_dvbpr

        return plan_dvbpr(path, options.data / "imports" / "dvbpr")
    from offline.importing.kaggle import plan_kaggle

    return plan_kaggle(path)


def _choice(options: argparse.Namespace) -> "Choice":
    from offline.importing.events import Choice

    core = re.fullmatch(r"(\d{1,6}),(\d{1,6})", options.k_core or "0,0")
    if core is None:
        raise SetupError("--k-core takes two numbers, such as 5,2: products a shopper, and back")
    if options.tail_k < 0:
        raise SetupError("--tail-k must be 0 or more")
    return Choice(int(core[1]), int(core[2]), options.tail_k)


def _told(report: "ImportReport") -> int:
    tally = report.tally
    products = tally.created + tally.updated + tally.unchanged
    events = tally.events + tally.known_events
    if report.resumed_at:
        say(f"went on after line {report.resumed_at}, where an earlier run had ended")
    if products or not events:
        say(
            f"{products} products: {tally.created} new, {tally.updated} changed, "
            f"{tally.unchanged} as they were; {tally.photos} with a photo"
        )
    if events:
        say(f"{events} events: {tally.events} new, {tally.known_events} as they were")
    if report.held_out is not None:
        say(f"{tally.held_out} events were held out, in {report.held_out}")
    for reason, count in sorted(tally.skipped.items()):
        say(f"  left out {count}: {reason}")
    for reason, count in sorted(report.refused.items()):
        say(f"  refused {count}: {reason}")
    for reason, count in sorted(report.refused_photos.items()):
        say(f"  photos refused {count}, their products taken: {reason}")
    if report.rejects is not None:
        say(f"what was refused is listed in {report.rejects}: mend it, and import it by --rows")
    if tally.urls:
        say(f"photos on the web, for `hemline images fetch`: {tally.urls}")
    return 0 if products or events else 1
