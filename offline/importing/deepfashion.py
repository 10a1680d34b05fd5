"""Reads DeepFashion: photos whose names tell what they show, captions, masks and boxes."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from catalog.limits import MAX_DESCRIPTION_CHARS
from catalog.normalize import clean
from catalog.product import MAX_IMAGES, Product
from offline.importing.boxes import Box, read_boxes
from offline.importing.masks import Masker
from offline.importing.photos import Found, read_photo
from offline.importing.plan import Plan, ProductPart
from offline.importing.records import BadRow, Record
from offline.importing.values import word_of
from runtime.errors import SetupError

NAME = "deepfashion"
_MAX_CAPTIONS_BYTES = 256 << 20
_MASK = "_segm.png"
_SUFFIXES = (".jpg", ".jpeg", ".png")
# WOMEN-Dresses-id_00006201-04_7_additional, and WOMEN/Dresses/id_00006201/04_7_additional.
_NAME = re.compile(
    r"(?P<gender>[A-Z]+)[-/](?P<category>[A-Za-z_]+)[-/](?P<style>id_\d+)[-/]"
    r"(?P<colour>\d+)_(?P<pose>\d)_(?P<view>[a-z]+)\.(?:jpg|jpeg|png)"
)
_GENDERS = {"WOMEN": "women", "MEN": "men"}
_VIEWS = ("front", "full", "side", "back", "additional", "flat")


@dataclass(frozen=True, slots=True)
class _Beside:
    """What lies beside the photos."""

    captions: Mapping[str, str]
    boxes: Mapping[str, Box]


def plan_deepfashion(path: Path, *, masked: str = "") -> Plan:
    """Returns how a folder of DeepFashion is imported: MultiModal, or In-shop.

    Photos of one style in one colour are one product, the front view first. Its title is made of
    the words in the name, its description is the caption, its attributes are the box of the first
    photo and what part of the body it dresses.

    Args:
        path: The folder; photos may lie anywhere below it, ``captions.json``, ``…_segm.png`` and
            ``list_bbox_inshop.txt`` too.
        masked: "white" or "black" to paint over what a photo's mask calls background, "" to leave
            photos as they are.

    Raises:
        SetupError: There are no photos, or the captions cannot be read.
    """
    if not path.is_dir():
        raise SetupError(f"{path} is not a folder")
    listed = sorted(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES)
    photos = [file for file in listed if not file.name.endswith(_MASK)]
    masks = {file.name.removesuffix(_MASK): file for file in listed if file.name.endswith(_MASK)}
    if not photos:
        raise SetupError(f"{path} holds no photos")
    table = next(iter(sorted(path.rglob("list_bbox_inshop.txt"))), None)
    boxes, bad_boxes = ({}, []) if table is None else read_boxes(table)
    beside = _Beside(_captions(path), boxes)
    masker = Masker(masks, masked) if masked else None
    source = PhotoListing(path, photos, bad_boxes)
    part = ProductPart(source, _reader(path, beside, masker.read if masker else read_photo))
    notes = (f"{len(masks)} masks are not used: --masked white paints by them",)
    return Plan(NAME, (part,), wish=masked, notes=notes if masks and not masked else ())


class PhotoListing:
    """The photos of a folder, a row for those of one style in one colour.

    Args:
        path: The folder.
        photos: Its photos, sorted.
        bad: Rows of other files that cannot be taken, which are told first.
    """

    def __init__(self, path: Path, photos: Sequence[Path], bad: Sequence[Record]) -> None:
        self.path = path
        self.unit = "products"
        self._bad = bad
        self._groups: dict[str, list[str]] = {}
        for photo in photos:
            name = photo.relative_to(path).as_posix()
            self._groups.setdefault(_key(name) or name, []).append(name)
        self.size = len(self._groups)
        self._done = 0

    def read(self) -> Iterator[Record]:
        """Yields the products; the line is the number of the row."""
        for line, record in enumerate(self._bad, start=1):
            yield Record(line, record.raw, {}, record.problem)
        first = len(self._bad) + 1
        for place, names in enumerate(self._groups.values()):
            self._done = place + 1
            yield self.parse(first + place, " ".join(names))

    def parse(self, line: int, raw: str) -> Record:
        """Reads the names of the photos of one product."""
        names = raw.split()
        if not names or len({_key(name) for name in names}) != 1 or not _key(names[0]):
            return Record(line, raw, {}, "no name of a photo of DeepFashion")
        return Record(line, raw, {"photos": names})

    def place(self) -> int:
        """Returns how many products were read."""
        return self._done


def _reader(
    folder: Path, beside: _Beside, read: Callable[[Path], bytes]
) -> Callable[[Record], Found]:
    def found(record: Record) -> Found:
        listed = record.fields["photos"]
        if not isinstance(listed, list):
            raise BadRow("no name of a photo of DeepFashion")
        names = sorted(map(str, listed), key=_view_rank)[:MAX_IMAGES]
        files = tuple(folder / name for name in names)
        return Found(_product(names, beside), files, read=read)

    return found


def _product(names: Sequence[str], beside: _Beside) -> Product:
    told = _NAME.search(names[0])
    if told is None:
        raise BadRow("no name of a photo of DeepFashion")
    gender = _GENDERS.get(told["gender"], told["gender"].lower())
    category = clean(told["category"].replace("_", " "))
    captions = (beside.captions.get(_stem(name), "") for name in names)
    box = next((beside.boxes[n] for n in map(_inshop_name, names) if n in beside.boxes), None)
    return Product(
        id=_key(names[0]),
        style_id=told["style"],
        title=f"{gender.capitalize()} {category}".strip(),
        description=next((text for text in captions if text), "")[:MAX_DESCRIPTION_CHARS],
        category=(gender.capitalize(), category),
        # "Blouses_Shirts" names two kinds, so it tells none.
        kind="" if "_" in told["category"] else word_of(category),
        gender=gender,
        attributes={} if box is None else {"garment": box.garment, "box": box.corners},
    )


def _captions(path: Path) -> Mapping[str, str]:
    file = next(iter(sorted(path.rglob("captions.json"))), None)
    if file is None:
        return {}
    if file.stat().st_size > _MAX_CAPTIONS_BYTES:
        raise SetupError(f"{file} is over {_MAX_CAPTIONS_BYTES >> 20} MiB")
    try:
        found = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise SetupError(f"{file} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise SetupError(f"{file} is no object of photos and captions")
    pairs = found.items()
    return {_stem(name): clean(text) for name, text in pairs if isinstance(text, str)}


def _key(name: str) -> str:
    told = _NAME.search(name)
    return "" if told is None else "-".join(told.group("gender", "category", "style", "colour"))


def _view_rank(name: str) -> tuple[int, str]:
    told = _NAME.search(name)
    view = told["view"] if told else ""
    return (_VIEWS.index(view) if view in _VIEWS else len(_VIEWS), name)


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]


def _inshop_name(name: str) -> str:
    told = _NAME.search(name)
    if told is None:
        return name
    folders = "/".join(told.group("gender", "category", "style"))
    return f"{folders}/{told['colour']}_{told['pose']}_{told['view']}"
