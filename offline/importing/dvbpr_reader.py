"""Unpacks a set of DVBPR into rows and photos; a program of its own, with limits on itself."""

import contextlib
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from offline.importing.dvbpr_pickle import read_npy
from offline.importing.dvbpr_stand_ins import Photo, Refused

MEMORY_BYTES = 4 << 30
CPU_S = 3600
PRODUCTS, EVENTS = "products.jsonl", "events.jsonl"
REFUSED = 3
# What a product and a review of the set may hold, beside what only some editions have.
_PRODUCT_KEYS = ("asin", "title", "categories", "brand", "description")
_REVIEW_KEYS = ("reviewerID", "overall", "unixReviewTime", "asin")
_PARTS = 6


def main(words: list[str]) -> int:
    """Reads the set that the first word names into the folder that the second names."""
    source, folder = Path(words[0]), Path(words[1])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with source.open("rb") as file:
            unpack(file, folder)
    except (Refused, MemoryError) as error:
        print(error or "it needs too much memory", file=sys.stderr)
        return REFUSED
    return 0


def unpack(file: BinaryIO, folder: Path) -> None:
    """Reads a set into ``products.jsonl``, ``events.jsonl`` and ``photos/<number>.jpg``.

    Args:
        file: An array of training, validation, test, items, number of users, number of items.
        folder: Where to; it exists.

    Raises:
        Refused: The file holds something else.
    """
    photos = folder / "photos"
    photos.mkdir(exist_ok=True)
    count = 0

    def put_aside(photo: bytes) -> int:
        nonlocal count
        count += 1
        (photos / f"{count}.jpg").write_bytes(photo)
        return count

    parts = read_npy(file, put_aside)
    if len(parts) < _PARTS or not all(isinstance(part, dict) for part in parts[:4]):
        raise Refused("it does not hold training, validation, test and items")
    with (folder / PRODUCTS).open("wb") as out:
        for item, row in _rows(parts[3]):
            told = _told(row, _PRODUCT_KEYS)
            photo = row.get("imgs")
            name = f"{photo.number}.jpg" if isinstance(photo, Photo) else ""
            out.write(orjson.dumps({"item": item, "photo": name, **told}) + b"\n")
    with (folder / EVENTS).open("wb") as out:
        for place, part in enumerate(parts[:3]):
            for user, reviews in _lists(part):
                for number, review in enumerate(reviews):
                    row = {"user": user, "part": place, "place": number, **review}
                    out.write(orjson.dumps(row) + b"\n")


def _rows(items: object) -> Iterator[tuple[str, dict[str, object]]]:
    for key, row in items.items() if isinstance(items, dict) else ():
        yield str(_plain(key)), _named(row)


def _lists(part: object) -> Iterator[tuple[str, list[dict[str, object]]]]:
    for user, reviews in part.items() if isinstance(part, dict) else ():
        listed = reviews if isinstance(reviews, list) else []
        yield str(_plain(user)), [_review(_named(review)) for review in listed]


def _review(row: dict[str, object]) -> dict[str, object]:
    return {"item": _plain(row.get("productid")), **_told(row, _REVIEW_KEYS)}


def _told(row: dict[str, object], keys: tuple[str, ...]) -> dict[str, object]:
    return {key: _plain(row[key]) for key in keys if key in row}


def _named(row: object) -> dict[str, object]:
    """Returns a dictionary by texts: Python 2 wrote its keys as bytes."""
    return {str(_plain(key)): value for key, value in row.items()} if isinstance(row, dict) else {}


def _plain(value: object, depth: int = 4) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return [_plain(each, depth - 1) for each in value] if depth else []
    return value if isinstance(value, str | int | float | None) else str(type(value).__name__)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main(sys.argv[1:]))
