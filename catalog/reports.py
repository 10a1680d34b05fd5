"""Says what became of products that were written."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpsertReport:
    """What an upsert came to: numbers of products, and the clock after it."""

    created: int
    updated: int
    unchanged: int
    seq: int


@dataclass(frozen=True, slots=True)
class DeleteReport:
    """How many products a deletion removed, and the clock after it."""

    deleted: int
    seq: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one product of a batch.

    ``status`` is "created", "updated", "unchanged" or "rejected"; of a rejected one ``problem``
    says why and ``field`` names the field at fault, both empty otherwise.
    """

    id: str
    status: str
    problem: str = ""
    field: str = ""
