"""Keeps what a training run does in a folder of its own, as it goes."""

import csv
import dataclasses
import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from offline.clip_options import ClipOptions
from services.image_retriever.architecture import Trained


@dataclass(frozen=True, slots=True)
class EpochRow:
    """One line of ``metrics.csv``; seconds count from the first step."""

    epoch: int
    image_size: int
    loss: float
    learning_rate: float
    scale: float
    photos_per_s: float
    wall_s: float
    cpu_s: float


class RunFolder:
    """``config.json``, ``environment.json``, ``metrics.csv``, ``scores.json`` and ``last/``.

    ``last`` is the encoder as of the newest finished epoch, in the layout of an artifact: a run
    that is stopped leaves it behind, whole.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def start(cls, runs: Path, options: ClipOptions) -> "RunFolder":
        """Makes the folder: the one that the options name, else the next free one in ``runs``."""
        folder = options.run or _next(runs)
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder)
        (folder / "metrics.csv").unlink(missing_ok=True)
        run._json("config.json", {**dataclasses.asdict(options), "run": str(folder)})
        run._json("environment.json", environment())
        return run

    def epoch(self, row: EpochRow, trained: Trained) -> None:
        """Adds a line to the metrics and replaces ``last``."""
        path = self.folder / "metrics.csv"
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(row)])
            if fresh:
                writer.writeheader()
            writer.writerow(dataclasses.asdict(row))
        scratch = self.folder / ".last.part"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        trained.write(scratch)
        shutil.rmtree(self.folder / "last", ignore_errors=True)
        scratch.rename(self.folder / "last")

    def scores(self, scores: Mapping[str, object]) -> None:
        """Keeps the figures of the held-out products."""
        self._json("scores.json", scores)

    def _json(self, name: str, body: Mapping[str, object]) -> None:
        scratch = self.folder / f".{name}.part"
        scratch.write_text(json.dumps(body, indent=1, default=str) + "\n", encoding="utf-8")
        scratch.replace(self.folder / name)


def environment() -> dict[str, object]:
    """Returns what a figure depends on beside options and data."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "timm", "open_clip_torch", "numpy")},
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "amx": bool(torch.cpu.get_capabilities().get("amx_bf16", False)),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _next(runs: Path) -> Path:
    numbers = (path.name.removeprefix("clip-") for path in runs.glob("clip-*"))
    used = [int(number) for number in numbers if number.isdigit()]
    return runs / f"clip-{max(used, default=0) + 1:03d}"
