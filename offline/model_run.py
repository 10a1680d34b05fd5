"""Keeps what a training of a model did in a folder of its own."""

import csv
import json
import os
import platform
import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from offline.models.contract import Saved

_LIBRARIES = ("numpy", "scipy", "implicit")
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Spent:
    """What a training took.

    ``wall_s`` and ``cpu_s`` are seconds, of all threads together for the latter; ``peak_mib`` is
    the most memory that the process ever held, in MiB.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float


class Stopwatch:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def spent(self) -> Spent:
        """Returns what was spent so far."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return Spent(
            round(time.monotonic() - self._wall, 3),
            round(time.process_time() - self._cpu, 3),
            round(peak / _KIB, 1),
        )


class ModelRun:
    """``config.json``, ``environment.json``, ``metrics.csv``, ``curve.json``, ``result.json``.

    ``model/`` holds the model as plain arrays, where it can be kept so. A run that ended early has
    no ``result.json``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def start(
        cls, runs: Path, config: Mapping[str, object], *, name: str, digest: str, at: Path | None
    ) -> "ModelRun":
        """Makes the folder and writes down what is about to be done, and on what.

        Args:
            runs: Where runs are kept: the folder is ``NAME-<utc>-<first 8 of the digest>``.
            config: The recipe and its options.
            name: Of the recipe.
            digest: Of everything that the model is made from, in hex.
            at: The folder to use instead.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        run = cls(at or runs / f"{name}-{stamp}-{digest[:8]}")
        run.folder.mkdir(parents=True, exist_ok=True)
        (run.folder / "result.json").unlink(missing_ok=True)
        run._write("config.json", config)
        run._write("environment.json", environment())
        return run

    def curve(self, lines: Sequence[Mapping[str, float]]) -> None:
        """Keeps the lines of the training, as a table and as JSON."""
        self._write("curve.json", [dict(line) for line in lines])
        names = list(dict.fromkeys(name for line in lines for name in line))
        with (self.folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(lines)

    def model(self, model: Saved) -> None:
        """Keeps the model."""
        folder = self.folder / "model"
        folder.mkdir(exist_ok=True)
        model.save(folder)

    def result(self, result: Mapping[str, object]) -> None:
        """Keeps what came of it, last of all."""
        self._write("result.json", result)

    def _write(self, name: str, body: object) -> None:
        scratch = self.folder / f".{name}.part"
        scratch.write_text(json.dumps(body, indent=1, default=str) + "\n", encoding="utf-8")
        scratch.replace(self.folder / name)


def environment() -> dict[str, object]:
    """Returns what a figure depends on beside options and events."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        **{name: version(name) for name in _LIBRARIES},
    }
