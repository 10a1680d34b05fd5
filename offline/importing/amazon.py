"""Finds the files of an Amazon set, and reads what its two editions have in common."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from catalog.interaction import Interaction
from catalog.limits import MAX_ATTRIBUTES, MAX_DESCRIPTION_CHARS, MAX_TITLE_CHARS, MAX_WORD_CHARS
from catalog.normalize import clean
from offline.importing.events import EventNames
from offline.importing.photos import Found
from offline.importing.plan import EventPart, Plan, ProductPart
from offline.importing.records import BadRow, Fields, LinesFile, Record
from offline.importing.table_events import named
from offline.importing.values import plain, text_of
from runtime.errors import SetupError

_GENDERS = {
    "women": "women", "womens": "women", "men": "men", "mens": "men", "girls": "girls",
    "boys": "boys", "baby-girls": "girls", "baby-boys": "boys", "unisex-adult": "unisex",
    "unisex": "unisex",
}  # fmt: skip


def plan_amazon(
    path: Path,
    name: str,
    suffix: str,
    *,
    parse: Callable[[str], Fields],
    product: Callable[[Record], Found],
    event: Callable[[Fields], Interaction],
) -> Plan:
    """Returns how the files of a set are imported, products first.

    Args:
        path: A file, or a folder of files; those named ``meta_…`` hold products, others reviews.
        name: Name of the format.
        suffix: What the names end in, apart from ``.gz``.
        parse: Reads a line.
        product: Reads a product.
        event: Reads a review; its id is set here.

    Raises:
        SetupError: There are no such files.
    """
    files = [path] if path.is_file() else sorted(_files(path, suffix))
    if not files:
        raise SetupError(f"{path} holds no files {suffix} or {suffix}.gz")

    def reader() -> Callable[[Record], Interaction]:
        names = EventNames(name)
        return lambda record: named(event(record.fields), names)

    parts: list[ProductPart | EventPart] = [
        ProductPart(LinesFile(file, parse), product) for file in files if _is_meta(file)
    ]
    parts += [EventPart(LinesFile(file, parse), reader) for file in files if not _is_meta(file)]
    return Plan(name, tuple(parts))


def joined(value: object) -> str:
    """Returns a text, or the texts of a list one after the other, without HTML."""
    parts = value if isinstance(value, list) else [value]
    texts = [plain(text_of(part)) for part in parts if not isinstance(part, list | dict)]
    return " ".join(text for text in texts if text)[:MAX_DESCRIPTION_CHARS]


def title_of(row: Fields) -> str:
    """Returns the title, cut to what a title may have.

    Raises:
        BadRow: There is none.
    """
    title = plain(text_of(row.get("title")))[:MAX_TITLE_CHARS].strip()
    if not title:
        raise BadRow("no title")
    return title


def word_or_nothing(value: object) -> str:
    """Returns a short text, or nothing where it is no text or too long to be a word."""
    text = text_of(value) if isinstance(value, str) else ""
    return text if len(text) <= MAX_WORD_CHARS else ""


def category_of(*levels: object) -> tuple[str, ...]:
    """Returns the path of categories, wide to narrow, each once; at most 16."""
    names = (clean(level) for level in levels if isinstance(level, str))
    return tuple(dict.fromkeys(name for name in names if 0 < len(name) <= MAX_WORD_CHARS))[:16]


def gender_of(names: Iterable[str]) -> str:
    """Returns for whom a product is, by the first name that tells."""
    return next((_GENDERS[n.lower()] for n in names if n.lower() in _GENDERS), "")


def attributes_of(details: Mapping[str, object]) -> dict[str, str]:
    """Returns those details that are short texts or numbers, at most 64."""
    found: dict[str, str] = {}
    for name, value in details.items():
        key = clean(str(name))
        if isinstance(value, list | dict) or not 0 < len(key) <= MAX_WORD_CHARS:
            continue
        text = text_of(value)[:MAX_TITLE_CHARS]
        if text and len(found) < MAX_ATTRIBUTES:
            found[key] = text
    return found


def _files(path: Path, suffix: str) -> list[Path]:
    if not path.is_dir():
        raise SetupError(f"there is nothing at {path}")
    return [file for file in path.iterdir() if file.name.endswith((suffix, f"{suffix}.gz"))]


def _is_meta(path: Path) -> bool:
    return path.name.startswith("meta_")
