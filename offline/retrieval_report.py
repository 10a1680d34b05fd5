"""Writes the figures of a retrieval evaluation for people and for programs."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from offline.encoder_figures import Figures
from offline.system_figures import SystemFigures

JSON_FILE, TABLE_FILE = "retrieval.json", "retrieval.md"
_COLUMNS = ("P@10", "NDCG@10", "R@10", "MRR", "found nothing")


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """What an evaluation came to.

    ``products`` were searched, ``queries`` asked, each with ``relevant`` right answers in the
    mean; ``systems`` holds figures by system, by what the index holds.
    """

    encoder: str
    fingerprint: str
    products: int
    queries: int
    relevant: float
    figures: Figures
    systems: Mapping[str, Mapping[str, SystemFigures]]
    baselines: Mapping[str, SystemFigures]

    def as_json(self) -> str:
        """Returns the report as JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    def as_table(self) -> str:
        """Returns the report as two Markdown tables; brackets hold 95 % bootstrap intervals."""
        lines = [
            f"Encoder {self.encoder}, {self.products} held-out products.",
            "",
            "| encoder alone | figure | over |",
            "|---|---|---|",
            *(f"| {name} | {value} | {value.count} |" for name, value in self.figures.items()),
            "",
            f"{self.queries} attribute queries; right answers in the mean: {self.relevant:.1f}.",
            "",
            "| index | system | " + " | ".join(_COLUMNS) + " |",
            "|---" * (len(_COLUMNS) + 2) + "|",
            *(
                _row(indexed, system, figures)
                for indexed, systems in self.systems.items()
                for system, figures in systems.items()
            ),
            *(_row("any", name, figures) for name, figures in self.baselines.items()),
        ]
        return "\n".join(lines)

    def publish(self, folder: Path | None, *, as_json: bool) -> None:
        """Prints the report, and writes it in both forms where a folder is given."""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / JSON_FILE, self.as_json())
            _write(folder / TABLE_FILE, self.as_table())
        print(self.as_json() if as_json else self.as_table())


def _row(indexed: str, system: str, figures: SystemFigures) -> str:
    values = (figures.precision, figures.ndcg, figures.recall, figures.mrr)
    cells = [indexed, system, *map(str, values), f"{figures.nothing.mean:.1%}"]
    return "| " + " | ".join(cells) + " |"


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(text + "\n", encoding="utf-8")
    scratch.replace(path)
