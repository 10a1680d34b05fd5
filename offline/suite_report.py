"""Holds the figures of a suite of retrieval measurements, for people and for programs."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from offline.relevance import Estimate


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one system, such as ``("fused", "P@10", ...)``."""

    system: str
    figure: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """What a suite came to.

    Attributes:
        name: The suite's name, which its files bear too.
        title: One line that says what was asked of what.
        rows: Figures, baselines among them, in the order in which they are shown.
        notes: Sentences below the table: what was counted how, and what falls short.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def figure(self, system: str, figure: str) -> Estimate:
        """Returns one figure.

        Raises:
            KeyError: The report has none of that system and name.
        """
        for row in self.rows:
            if (row.system, row.figure) == (system, figure):
                return row.estimate
        raise KeyError(f"{self.name} has no {figure} of {system}")

    def as_json(self) -> str:
        """Returns the report as JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    def as_table(self) -> str:
        """Returns a Markdown table, a row a system; brackets hold 95 % bootstrap intervals."""
        figures = list(dict.fromkeys(row.figure for row in self.rows))
        cells = {(row.system, row.figure): str(row.estimate) for row in self.rows}
        counts: dict[str, str] = {}
        for row in self.rows:
            counts.setdefault(row.system, str(row.estimate.count))
        lines = [
            self.title,
            "",
            "| system | " + " | ".join(figures) + " | over |",
            "|---" * (len(figures) + 2) + "|",
            *(
                f"| {system} | "
                + " | ".join(cells.get((system, figure), "") for figure in figures)
                + f" | {count} |"
                for system, count in counts.items()
            ),
        ]
        return "\n".join([*lines, *(["", *self.notes] if self.notes else [])])

    def publish(self, folder: Path | None, *, as_json: bool) -> None:
        """Prints the report, and writes it in both forms where a folder is given."""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / f"{self.name}.json", self.as_json())
            _write(folder / f"{self.name}.md", self.as_table())
        print(self.as_json() if as_json else self.as_table())


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(text + "\n", encoding="utf-8")
    scratch.replace(path)
