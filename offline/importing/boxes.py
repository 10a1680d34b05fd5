"""Reads the boxes of DeepFashion In-shop: where on a photo the garment is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from offline.importing.records import Record, TextFile

_GARMENTS = {"1": "upper body", "2": "lower body", "3": "full body"}
_ROW = re.compile(
    r"(?:img/)?(?P<name>\S+)\.(?:jpg|png)\s+(?P<type>[123])\s+(?P<pose>[1-6])\s+"
    r"(?P<corners>\d{1,5}\s+\d{1,5}\s+\d{1,5}\s+\d{1,5})"
)
_HEADER_ROWS = 2
_REASON = "no box (list_bbox_inshop.txt)"


@dataclass(frozen=True, slots=True)
class Box:
    """Where a garment is.

    Attributes:
        garment: The part of the body that it dresses.
        corners: Left, top, right and bottom in pixels, with commas.
    """

    garment: str
    corners: str


def read_boxes(path: Path) -> tuple[Mapping[str, Box], list[Record]]:
    """Returns the boxes, and the rows that are none.

    A box goes by the path of its photo without ``img/`` and suffix. The file begins with two rows
    that are no boxes: how many there are, and the names of the columns.
    """
    boxes: dict[str, Box] = {}
    bad: list[Record] = []
    for number, line, problem in TextFile(path).lines():
        row = line.strip()
        if number <= _HEADER_ROWS or not (row or problem):
            continue
        found = _ROW.fullmatch(row)
        corners = [] if found is None else list(map(int, found["corners"].split()))
        if found is None or corners[0] >= corners[2] or corners[1] >= corners[3]:
            bad.append(Record(number, f"line {number}: {row[:500]}", {}, _REASON))
            continue
        boxes[found["name"]] = Box(_GARMENTS[found["type"]], ",".join(map(str, corners)))
    return boxes, bad
