"""Opens the files of a text index."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import tantivy

from catalog.columns import Columns
from catalog.normalize import Normalizer
from catalog.words import WordTable
from runtime.artifacts import ArtifactRefused
from runtime.errors import Internal

INDEX, COLUMNS, TABLE, WRITTEN = "index", "columns", "words.toml", "written.json"
"""Folders of the engine and of the columns, the normaliser's table of words, and how words are
written."""


def read_tables(folder: Path) -> tuple[Columns, Normalizer, dict[str, str]]:
    """Opens the columns of an index, its table of words, and how words are written by token.

    Raises:
        ArtifactRefused: The files cannot be read, or do not belong together.
    """
    try:
        columns = Columns.open(folder / COLUMNS)
        table = WordTable.parse((folder / TABLE).read_text(encoding="utf-8"))
        written = orjson.loads((folder / WRITTEN).read_bytes())
    except (OSError, ValueError) as error:
        raise ArtifactRefused("columns_unreadable", f"no columns: {error}") from error
    return columns, Normalizer(table), {str(token): str(word) for token, word in written.items()}


def open_engine(home: Path, *, products: int) -> tantivy.Index:
    """Opens the engine's files in a folder that it may write to.

    Raises:
        ArtifactRefused: They are not those of an index of as many products.
    """
    try:
        with contained():
            index = tantivy.Index.open(str(home))
            index.config_reader("manual")
    except ValueError as error:
        raise ArtifactRefused("index_unreadable", f"no index: {error}") from error
    if index.searcher().num_docs != products:
        raise ArtifactRefused("index_mismatch", "the index and its columns differ in length")
    return index


@contextmanager
def contained() -> Iterator[None]:
    """Turns a panic of the engine, which is no Exception, into an error of ours."""
    try:
        yield
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise Internal(f"the text engine panicked: {error}") from error
