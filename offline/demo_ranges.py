"""Reads what the drawn shop sells: for each kind its cuts, cloths, prices and names."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Odds = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Model:
    """One shape within a kind: its names in titles, its cloths, and its price in euros.

    ``materials`` maps a material to the weave that is drawn for it; ``price`` is that of a
    middle brand; the rest are odds by name.
    """

    nouns: tuple[str, ...]
    share: float
    price: float
    materials: Mapping[str, str]
    patterns: Odds = field(default_factory=lambda: {"plain": 1.0})
    genders: Odds = field(default_factory=lambda: {"women": 0.55, "men": 0.45})
    sleeves: Odds = field(default_factory=dict[str, float])
    lengths: Odds = field(default_factory=dict[str, float])
    necklines: Odds = field(default_factory=dict[str, float])
    fits: Odds = field(default_factory=lambda: {"slim": 0.3, "regular": 0.45, "relaxed": 0.25})
    seasons: Odds = field(default_factory=lambda: {"all year": 1.0})
    occasions: tuple[str, ...] = ("everyday",)


@dataclass(frozen=True, slots=True)
class Range:
    """One kind: its share of the shop, its shelf, its sizes and its shapes."""

    share: float
    shelf: str
    sizes: tuple[str, ...]
    mens_sizes: tuple[str, ...]
    models: Mapping[str, Model]


def read_ranges() -> dict[str, Range]:
    """Returns the ranges of all kinds, in the order of the file beside this module."""
    table = tomllib.loads(Path(__file__).with_name("demo_ranges.toml").read_text("utf-8"))
    sizes = {name: tuple(row) for name, row in table["sizes"].items()}
    return {
        kind: Range(
            share=row["share"],
            shelf=row["shelf"],
            sizes=sizes[row["sizes"]],
            mens_sizes=sizes[row.get("mens_sizes", row["sizes"])],
            models={name: _model(model) for name, model in row["models"].items()},
        )
        for kind, row in table["kinds"].items()
    }


def _model(row: dict[str, object]) -> Model:
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
    }
    return Model(**values)  # type: ignore[arg-type]  # the file beside this module is ours
