"""Says what tables and charts are made of."""

from dataclasses import dataclass

from offline.relevance import Estimate

Cell = Estimate | str | int | None
Row = tuple[str, tuple[Cell, ...]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: a name, a title above it, and rows whose first cell names them."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def cell(self, row: str, column: str) -> Cell:
        """Returns one cell.

        Raises:
            KeyError: There is no such row or column.
        """
        if column not in self.columns:
            raise KeyError(f"{self.name} has no column {column}")
        for name, cells in self.rows:
            if name == row:
                return cells[self.columns.index(column)]
        raise KeyError(f"{self.name} has no row {row}")


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or one group of bars, of a chart: a value for each label, None for a gap."""

    name: str
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart; ``is_curve`` draws lines, else bars. ``labels`` stand along the x axis."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    is_curve: bool = False
    x_title: str = ""


def text_of(cell: Cell, *, signed: bool = False) -> str:
    """Returns a cell as text; brackets hold the interval."""
    if cell is None:
        return ""
    if not isinstance(cell, Estimate):
        return str(cell)
    if not cell.count:
        return ""
    mean, low, high = (number(each, signed=signed) for each in (cell.mean, cell.low, cell.high))
    return f"{mean} [{low}, {high}]"


def number(value: float, *, signed: bool = False) -> str:
    """Returns a number with four places and without the zero before the point."""
    plain = f"{value:+.4f}" if signed else f"{value:.4f}"
    return plain.replace("0.", ".", 1) if abs(value) < 1 else plain


def markdown(table: Table) -> str:
    """Returns a table as Markdown."""
    head = "| " + " | ".join(["", *table.columns]) + " |"
    rule = "|---" * (len(table.columns) + 1) + "|"
    signed = table.name.startswith("differences")
    rows = [
        "| " + " | ".join([name, *(text_of(cell, signed=signed) for cell in cells)]) + " |"
        for name, cells in table.rows
    ]
    return "\n".join([table.title, "", head, rule, *rows])
