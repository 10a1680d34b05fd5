"""Reads the words of a catalogue: the normaliser's own and those that the shop adds."""

from catalog.words import WordTable
from offline.layout import DataDir
from runtime.errors import SetupError


def word_table(data: DataDir) -> WordTable:
    """Returns the table of words of a data folder; without a file of its own, the package's.

    Raises:
        SetupError: The shop's file cannot be read; the error names the line or the entry.
    """
    table = WordTable.default()
    try:
        text = data.words.read_text(encoding="utf-8")
    except FileNotFoundError:
        return table
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is no UTF-8"
        raise SetupError(f"cannot read {data.words}: {reason}") from problem
    try:
        return table.with_shop(text)
    except ValueError as problem:
        raise SetupError(f"{data.words}: {problem}") from problem
