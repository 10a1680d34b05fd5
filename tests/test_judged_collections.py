"""Promises of reading test collections, and what the text stage alone reaches on two of them."""

import json
import os
from pathlib import Path

import pytest

from offline.judged_collections import NDCG, RECALL, read_collection, words_alone
from runtime.errors import SetupError

DOCUMENTS = [
    {"_id": "d2", "title": "Wing flutter", "text": "Wing flutter . of thin plates"},
    {"_id": "d1", "title": "", "text": "heat in slabs"},
    {"_id": "d3", "text": ""},
]
QUERIES = [{"_id": "1", "text": "wing plates"}, {"_id": "2", "text": "slabs"}]


def collection(folder: Path, *, documents: object = DOCUMENTS, qrels: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in (("corpus", documents), ("queries", QUERIES)):
        lines = rows if isinstance(rows, str) else "\n".join(map(json.dumps, rows))  # type: ignore[call-overload]
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "qrels.txt").write_text(qrels or "1 0 d2 2\n2 0 d2 1\n", encoding="utf-8")
    return folder


def test_documents_come_in_order_with_their_queries(tmp_path: Path) -> None:
    read = read_collection(collection(tmp_path / "small"))
    assert read.name == "small"
    assert [each.id for each in read.products] == ["d1", "d2", "d3"]
    assert read.products[1].title == "Wing flutter"
    assert read.products[1].description == " . of thin plates"  # The title is not read twice.
    assert [(each.text, each.gains) for each in read.queries] == [
        ("slabs", {"d2": 1.0}),
        ("wing plates", {"d2": 2.0}),
    ]


def test_figures_are_means_over_the_queries(tmp_path: Path) -> None:
    report = words_alone(collection(tmp_path / "small"))
    assert report.figure("words", NDCG).mean == pytest.approx(0.5)
    assert report.figure("words", RECALL).mean == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ('{"_id": "a"}', "line 1: no document with _id and text"),
        ('{"_id": "a", "text": ""}\n[]', "line 2: no document"),
        ("no json", "line 1: no document"),
        ('{"_id": "a", "text": ""}\n{"_id": "a", "text": ""}', "holds a document twice"),
    ],
)
def test_a_broken_collection_is_told_by_its_line(tmp_path: Path, documents: str, said: str) -> None:
    with pytest.raises(SetupError, match=said):
        read_collection(collection(tmp_path / "broken", documents=documents))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        read_collection(tmp_path / "none")


@pytest.mark.parametrize(("name", "least"), [("scifact", 0.66), ("cranfield", 0.35)])
def test_words_alone_find_what_bm25_is_known_to(name: str, least: float) -> None:
    root = os.environ.get("HEMLINE_TEST_DATA", "")
    if not root or not (folder := Path(root) / name).is_dir():
        pytest.skip(f"no {name}: set HEMLINE_TEST_DATA to the folder that holds it")
    assert words_alone(folder).figure("words", NDCG).mean >= least
