"""Names the suites of retrieval measurements, and runs one of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from offline.layout import DataDir
from offline.suite_attributes import attributes
from offline.suite_backgrounds import backgrounds
from offline.suite_exclusions import exclusions
from offline.suite_fusion import fusion
from offline.suite_german import german
from offline.suite_korean import korean
from offline.suite_pictures import pictures
from offline.suite_report import SuiteReport
from runtime.errors import SetupError

GERMAN, KOREAN = "fashion12k_de_en", "musinsa_ko"
"""Folders of a dataset folder: pairs of German and English texts, and a Korean shop."""

Suite = Callable[[DataDir | None, Path | None], Sequence[SuiteReport]]


def languages(data: DataDir | None, dataset: Path | None) -> list[SuiteReport]:
    """Asks in Korean and German, of the catalogue and of what is in the folder of datasets.

    Raises:
        SetupError: Neither is there.
    """
    folders = {} if dataset is None else {path.name: path for path in dataset.iterdir()}
    is_drawn = data is not None and data.drawn.is_file()
    found = list(korean(data, None)) if is_drawn else []
    if GERMAN in folders:
        found += german(None, folders[GERMAN])
    if KOREAN in folders:
        found += korean(None, folders[KOREAN])
    if not found:
        raise SetupError(f"neither a drawn catalogue nor a folder {GERMAN} or {KOREAN} is there")
    return found


SUITES: Mapping[str, Suite] = MappingProxyType(
    {
        "attributes": attributes,
        "exclusions": exclusions,
        "languages": languages,
        "fusion": lambda data, dataset: [fusion(data, dataset)],
        "pictures": lambda data, dataset: [pictures(data, dataset)],
        "backgrounds": lambda data, dataset: [backgrounds(data, dataset)],
    }
)


def run_suite(
    name: str, data: DataDir, dataset: Path | None, *, report: Path | None, as_json: bool
) -> None:
    """Runs a suite, prints its tables, and writes them where a folder is given.

    Args:
        name: One of ``SUITES``.
        data: A catalogue; what a suite does without is left out where it has none.
        dataset: Folder of test collections, each in a folder of its own name.
        report: Folder for the tables.
        as_json: Whether to print JSON.

    Raises:
        SetupError: What the suite needs is not there.
    """
    if dataset is not None and not dataset.is_dir():
        raise SetupError(f"{dataset} is no folder: name the one that holds the datasets")
    there = data if data.is_elsewhere or data.database.is_file() else None
    for found in SUITES[name](there, dataset):
        found.publish(report, as_json=as_json)
