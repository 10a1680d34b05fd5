"""Reads a set of DVBPR, which is a pickle, after a process of its own has unpacked it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from catalog.interaction import Interaction
from catalog.product import Product
from offline.importing.amazon import category_of, gender_of, joined, word_or_nothing
from offline.importing.dvbpr_reader import EVENTS, PRODUCTS
from offline.importing.events import EventNames
from offline.importing.parsers import json_line
from offline.importing.photos import Found
from offline.importing.plan import EventPart, Plan, ProductPart
from offline.importing.records import BadRow, LinesFile, Record
from offline.importing.table_events import named, stars_of
from offline.importing.values import text_of, time_of, whole_of
from offline.progress import progress
from runtime.errors import SetupError

NAME = "dvbpr"
TIMEOUT_S = 3600.0
_DONE = "done"
# Where no time is told, the order of a shopper's reviews is: a minute each, from here on.
_FIRST_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_MAX_PLACE = 100_000


def plan_dvbpr(path: Path, work: Path) -> Plan:
    """Returns how a set such as ``AmazonFashion6ImgPartitioned.npy`` is imported.

    Args:
        path: The file.
        work: Folder to unpack it into, which an import that is through removes; what is there from
            the same file is used again.

    Raises:
        SetupError: There is no such file, or it holds anything but data.
    """
    if not path.is_file():
        raise SetupError(f"{path} is not a file")
    found = path.stat()
    folder = work / f"{NAME}-{found.st_size}-{found.st_mtime_ns}"
    if not (folder / _DONE).is_file():
        shutil.rmtree(work, ignore_errors=True)
        folder.mkdir(parents=True)
        _unpack(path, folder)
        (folder / _DONE).touch()
    products = ProductPart(LinesFile(folder / PRODUCTS, json_line), _product_reader(folder))
    events = EventPart(LinesFile(folder / EVENTS, json_line), _event_reader)
    return Plan(NAME, (products, events), scratch=work)


def _unpack(path: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "offline.importing.dvbpr_reader", str(path), str(folder)]
    with progress(f"Unpacking {path.name}"):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise SetupError(f"{path} is refused: it takes over an hour to read") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["its reader was ended"])[-1]
        raise SetupError(f"{path} is refused: {last[:300]}")


def _product_reader(folder: Path) -> Callable[[Record], Found]:
    def read(record: Record) -> Found:
        row = record.fields
        key = _key(row.get("item"))
        levels = row.get("categories")
        names = category_of(*_flat(levels if isinstance(levels, list) else [levels]))
        asin = text_of(row.get("asin"))
        title = joined(row.get("title"))[:1000] or (names[-1] if names else f"Item {key}")
        photo = text_of(row.get("photo"))
        product = Product(
            id=key,
            style_id=key,
            title=title,
            description=joined(row.get("description")),
            brand=word_or_nothing(row.get("brand")),
            category=names,
            gender=gender_of(names),
            attributes={"asin": asin} if asin else {},
        )
        return Found(product, (folder / "photos" / photo,) if photo else ())

    return read


def _event_reader() -> Callable[[Record], Interaction]:
    names = EventNames(NAME)

    def read(record: Record) -> Interaction:
        row = record.fields
        stars = stars_of(row.get("overall"))
        when = row.get("unixReviewTime")
        # The last two reviews of each shopper are the validation and the test of the set.
        part = whole_of(row.get("part"), what="part")
        place = min(whole_of(row.get("place"), what="place"), _MAX_PLACE) + part * _MAX_PLACE
        event = Interaction(
            event_id="-",
            user_id=text_of(row.get("reviewerID")) or f"u-{text_of(row.get('user'))}",
            product_id=_key(row.get("item")),
            kind="purchase" if stars is None else "rating",
            at=_FIRST_DAY + timedelta(minutes=place) if when is None else time_of(when),
            value=stars,
        )
        return named(event, names)

    return read


def _key(value: object) -> str:
    key = text_of(value)
    if not key.isdecimal():
        raise BadRow("no number of an item")
    return key


def _flat(values: list[object]) -> list[object]:
    found: list[object] = []
    for value in values:
        found.extend(_flat(value) if isinstance(value, list) else [value])
    return found
