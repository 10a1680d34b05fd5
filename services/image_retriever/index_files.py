"""Writes the files of a vector index and reads them back."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from runtime.artifacts import ArtifactRefused
from runtime.errors import SetupError
from services.image_retriever.exact import Vectors
from services.image_retriever.nearest import (
    EXACT_BELOW,
    InvertedLists,
    choose_probes,
    recall_queries,
    train_lists,
    unit,
)

_ABOUT, _IDS, _ENDS, _VECTORS, _LISTS = (
    "index.json",
    "ids.npy",
    "id_ends.npy",
    "vectors.npy",
    "lists.faiss",
)
_LISTED = 10
_BLOCK = 8192  # rows that are copied at a time


@dataclass(frozen=True, slots=True)
class About:
    """What stands beside the vectors.

    Attributes:
        fingerprint: Of the encoder that made the vectors.
        count: Products.
        dim: Length of a vector.
        choice: ``exact``, or the name of the inverted file such as ``IVF1024,SQ8``.
        probes: Lists that one query reads; 0 for ``exact``.
        recall: Recall@50 against the exact search, as measured at the build.
        floors: Similarity below which nothing is found, by kind of query; None is no floor.
        look_alike: Similarity from which on two products look the same; None: nobody knows.
    """

    fingerprint: str
    count: int
    dim: int
    choice: str
    probes: int
    recall: float
    floors: Mapping[str, float | None]
    look_alike: float | None = None

    @property
    def lists(self) -> int:
        """Lists of the inverted file; 0 for ``exact``."""
        return int(self.choice[3:].split(",")[0]) if self.probes else 0

    def facts(self) -> dict[str, object]:
        """Returns the manifest's words for it."""
        return {
            "fingerprint": self.fingerprint,
            "n": self.count,
            "dim": self.dim,
            "choice": self.choice,
            "nlist": self.lists,
            "nprobe": self.probes,
            "recall_at_50": round(self.recall, 4),
            "floors": dict(self.floors),
            "look_alike": self.look_alike,
        }


@dataclass(frozen=True, slots=True)
class IndexFiles:
    """An index in memory: ids ascending, unit rows float32 ``[n, dim]``, lists above 20,000."""

    about: About
    ids: list[str]
    vectors: Vectors
    lists: InvertedLists | None


@dataclass(frozen=True, slots=True)
class Draft:
    """What an index is made of; see :meth:`~services.image_retriever.index.VectorIndex.write`."""

    ids: Sequence[str]
    vectors: Vectors
    fingerprint: str
    floors: Mapping[str, float | None]
    queries: Vectors | None = None
    look_alike: float | None = None


def write_files(draft: Draft, folder: Path, *, version: int) -> dict[str, object]:
    """Writes an index into an empty folder and returns its facts.

    Rows that come in the order of their ids are not copied, only their quotient by their length.

    Raises:
        SetupError: A product stands twice, or a vector is not finite or zero.
    """
    order = sorted(range(len(draft.ids)), key=lambda row: draft.ids[row])
    ids = [draft.ids[row] for row in order]
    is_sorted = order == list(range(len(order)))
    rows = _units(ids, draft.vectors if is_sorted else draft.vectors[np.array(order, np.int64)])
    if len(rows) < EXACT_BELOW:
        choice, probes, recall = "exact", 0, 1.0
    else:
        choice, probes, recall = _write_lists(rows, folder, draft.queries)
    dim = draft.vectors.shape[1]
    about = About(
        draft.fingerprint, len(ids), dim, choice, probes, recall, draft.floors, draft.look_alike
    )
    # Half precision is enough beside an inverted file, whose own rows have 8 bits.
    np.save(folder / _VECTORS, rows.astype(np.float16) if probes else rows)
    raw = [product_id.encode() for product_id in ids]
    np.save(folder / _IDS, np.frombuffer(b"".join(raw), np.uint8))
    np.save(folder / _ENDS, np.cumsum([len(part) for part in raw], dtype=np.int64))
    facts = about.facts()
    (folder / _ABOUT).write_text(json.dumps({"format": version, **facts}, indent=1))
    return facts


def read_files(folder: Path, *, version: int) -> IndexFiles:
    """Reads an index into memory; nothing stays mapped to a file.

    Raises:
        ArtifactRefused: The parts are damaged or do not fit each other.
    """
    try:
        about = _about(json.loads((folder / _ABOUT).read_bytes()), version)
        ids = _read_ids(folder)
        stored = np.load(folder / _VECTORS, allow_pickle=False, mmap_mode=None)
        lists = InvertedLists.open(folder / _LISTS, about.probes) if about.probes else None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ArtifactRefused("index_garbage", f"{folder} holds no vector index") from error
    if stored.shape != (about.count, about.dim) or len(ids) != about.count:
        raise ArtifactRefused("index_shape", f"{folder}: ids and vectors do not fit")
    if lists is not None and lists.shape != stored.shape:
        raise ArtifactRefused("index_shape", f"{folder}: lists and vectors do not fit")
    is_float = stored.dtype in (np.float32, np.float16)
    if ids != sorted(set(ids)) or not is_float or not np.isfinite(stored).all():
        raise ArtifactRefused("index_rows", f"{folder}: a product or a vector is not sound")
    # In memory all are float32: picked rows are compared five times as fast as half precision.
    vectors = np.ascontiguousarray(stored, np.float32)
    return IndexFiles(about, ids, vectors, lists)


def _units(ids: Sequence[str], vectors: Vectors) -> Vectors:
    twice = sorted({a for a, b in itertools.pairwise(ids) if a == b})
    if twice:
        raise SetupError(f"{_some(twice)} stand more than once among the products: remove one")
    units = np.empty(vectors.shape, np.float32)
    bad: list[str] = []
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK].astype(np.float64)
        norms = np.linalg.norm(block, axis=1)
        good = np.isfinite(norms) & (norms > 1e-6)
        bad += [ids[start + place] for place in np.flatnonzero(~good).tolist()]
        units[start : start + _BLOCK] = block / np.where(good, norms, 1.0)[:, None]
    if bad:
        raise SetupError(f"the vectors of {_some(bad)} are not finite or zero: embed them again")
    return units


def _write_lists(rows: Vectors, folder: Path, queries: Vectors | None) -> tuple[str, int, float]:
    asked = recall_queries(rows) if queries is None else unit(queries)
    index = train_lists(rows)
    probes, recall = choose_probes(index, rows, asked)
    if not probes:
        return "exact", 0, 1.0
    faiss.write_index(index, str(folder / _LISTS))
    return f"IVF{index.nlist},SQ8", probes, recall


def _about(body: Mapping[str, object], version: int) -> About:
    floors = body["floors"]
    look_alike = body.get("look_alike")  # artifacts of earlier builds do not say
    if body["format"] != version or not isinstance(floors, dict):
        raise ValueError("not the format of this build")
    return About(
        str(body["fingerprint"]),
        int(str(body["n"])),
        int(str(body["dim"])),
        str(body["choice"]),
        int(str(body["nprobe"])),
        float(str(body["recall_at_50"])),
        {kind: None if floors[kind] is None else float(floors[kind]) for kind in floors},
        None if look_alike is None else float(str(look_alike)),
    )


def _read_ids(folder: Path) -> list[str]:
    raw = np.load(folder / _IDS, allow_pickle=False, mmap_mode=None).tobytes()
    ends = np.load(folder / _ENDS, allow_pickle=False, mmap_mode=None).tolist()
    return [raw[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]


def _some(ids: Sequence[str]) -> str:
    rest = f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else ""
    return ", ".join(ids[:_LISTED]) + rest
