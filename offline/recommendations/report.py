"""Holds what an evaluation of recommendations came to, for people and for programs."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from offline.recommendations.page import page
from offline.recommendations.shown import Chart, Table, markdown


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation came to.

    Attributes:
        name: Of its files.
        title: One line.
        notes: Sentences: what was asked, how it was counted, and what falls short.
        tables: In the order in which they are shown.
        charts: For the page alone.
        run: How long each model took, in seconds, and with which options.
    """

    name: str
    title: str
    notes: tuple[str, ...]
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]
    run: dict[str, dict[str, object]]

    def table(self, name: str) -> Table:
        """Returns a table.

        Raises:
            KeyError: There is none of that name.
        """
        for each in self.tables:
            if each.name == name:
                return each
        raise KeyError(f"{self.name} has no table {name}")

    def as_json(self) -> str:
        """Returns the report as JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    def as_markdown(self) -> str:
        """Returns the tables as Markdown; brackets hold 95 % bootstrap intervals."""
        return "\n\n".join([self.title, *self.notes, *map(markdown, self.tables)])

    def as_page(self) -> str:
        """Returns the report as one HTML page that needs nothing else."""
        return page(self.title, self.notes, self.tables, self.charts)

    def publish(self, folder: Path | None, *, as_json: bool) -> None:
        """Prints the report, and writes it in all three forms where a folder is given."""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / f"{self.name}.json", self.as_json())
            _write(folder / f"{self.name}.md", self.as_markdown())
            _write(folder / f"{self.name}.html", self.as_page())
        print(self.as_json() if as_json else self.as_markdown())


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(text + "\n", encoding="utf-8")
    scratch.replace(path)
