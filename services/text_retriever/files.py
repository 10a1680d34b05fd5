"""Opens the files of a text index."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tantivy

from catalog.columns import Columns
from catalog.normalize import Normalizer
from catalog.words import WordTable
from runtime.artifacts import ArtifactRefused
from runtime.errors import Internal

INDEX, COLUMNS, TABLE = "index", "columns", "words.toml"
"""Folders of the engine and of the columns, and the normaliser's table of words."""


def read_columns(folder: Path) -> tuple[Columns, Normalizer]:
    """Opens the columns and the table of words of an index.

    Raises:
        ArtifactRefused: The files cannot be read, or do not belong together.
    """
    try:
        columns = Columns.open(folder / COLUMNS)
        table = WordTable.parse((folder / TABLE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactRefused("columns_unreadable", f"no columns: {error}") from error
    return columns, Normalizer(table)


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
