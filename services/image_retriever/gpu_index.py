"""Finds the rows of a matrix that may be nearest to a vector, on a GPU."""

import importlib
import threading
from dataclasses import dataclass

import faiss
import torch

from runtime.errors import Overloaded
from services.image_retriever.exact import Mask, Rows, Vectors

# Half precision blurs a cosine by less than this many places at the end of a list.
_SPARE_HITS = 64
# The most that faiss finds for one query on a GPU.
_MOST = 2048
_SPARE_ROWS = 4096


class GpuRows:
    """All rows in half precision in one tensor on the GPU, with spare rows behind them.

    ``faiss.knn_gpu`` searches it where this build of faiss has it and every row may come; else one
    matrix product with a mask does, since the classic indexes of faiss pass over selectors on a GPU
    without a word. One lock guards the GPU's memory: faiss' scratch space serves one call at a
    time, and rows are written in place.

    Args:
        vectors: Unit rows float32 ``[n, dim]``.
        device: ``cuda``, ``cuda:N``; ``cpu`` follows the same path for tests.
    """

    def __init__(self, vectors: Vectors, device: str) -> None:
        self._device = torch.device(device)
        self._rows = self._tensor(len(vectors), vectors.shape[1])
        self._rows[: len(vectors)] = torch.from_numpy(vectors).to(self._device, torch.float16)
        self._lock = threading.Lock()
        self._faiss = _resources() if self._device.type == "cuda" else None

    @property
    def engine(self) -> str:
        """``faiss`` or ``torch``: what searches while every row may come."""
        return "faiss" if self._faiss is not None else "torch"

    @property
    def capacity(self) -> int:
        """Rows that there is room for before the tensor is laid out anew."""
        return len(self._rows)

    def write(self, start: int, vectors: Vectors) -> None:
        """Overwrites the spare rows from ``start`` on in place, float32 ``[k, dim]``.

        Raises:
            Overloaded: The rows need a larger tensor, and the GPU has no room for one.
        """
        end = start + len(vectors)
        with self._lock:
            try:
                if end > len(self._rows):
                    wider = self._tensor(end, self._rows.shape[1])
                    wider[:start] = self._rows[:start]
                    self._rows = wider
                new = torch.from_numpy(vectors).to(self._device, torch.float16)
                self._rows[start:end] = new
            except RuntimeError as error:
                if not _is_out_of_memory(error):
                    raise
                raise Overloaded("the GPU has no room for more products") from error

    def candidates(
        self, queries: Vectors, count: int, allowed: Mask | None, total: int
    ) -> list[Rows]:
        """Returns the likeliest of the first ``total`` rows; see :class:`FirstRows`.

        Raises:
            Overloaded: The GPU is out of memory, for half of the queries too.
        """
        with self._lock:
            try:
                found = self._search(queries, count, allowed, total)
            except RuntimeError as error:
                if not _is_out_of_memory(error):
                    raise
                found = self._in_halves(queries, count, allowed, total)
        return [rows[rows >= 0] for rows in found]

    def _tensor(self, rows: int, dim: int) -> torch.Tensor:
        room = rows + max(rows // 8, _SPARE_ROWS)
        return torch.zeros((room, dim), dtype=torch.float16, device=self._device)

    def _in_halves(
        self, queries: Vectors, count: int, allowed: Mask | None, total: int
    ) -> list[Rows]:
        torch.cuda.empty_cache()
        middle = (len(queries) + 1) // 2
        halves = (queries[:middle], queries[middle:])
        try:
            parts = [self._search(half, count, allowed, total) for half in halves]
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            raise Overloaded("the GPU is out of memory: try again", retry_after_s=1.0) from None
        return [rows for part in parts for rows in part]

    def _search(self, queries: Vectors, count: int, allowed: Mask | None, total: int) -> list[Rows]:
        if not len(queries):
            return []
        there = self._rows[:total]
        asked = torch.from_numpy(queries).to(self._device, torch.float16)
        wanted = min(count + _SPARE_HITS, total if allowed is None else int(allowed.sum()))
        if self._faiss is not None and allowed is None and wanted <= _MOST:
            _, rows = faiss.knn_gpu(
                self._faiss, asked, there, wanted, metric=faiss.METRIC_INNER_PRODUCT
            )
        else:
            scores = asked @ there.T
            if allowed is not None:
                barred = torch.from_numpy(~allowed).to(self._device)
                scores.masked_fill_(barred, float("-inf"))
            rows = torch.topk(scores, wanted, dim=1, sorted=False).indices
        return list(rows.cpu().numpy())


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The rows of a tensor that were there at one moment; what comes behind them is not seen.

    Attributes:
        rows: The tensor.
        total: How many there were.
    """

    rows: GpuRows
    total: int

    def candidates(
        self, queries: Vectors, count: int, allowed: Mask | None
    ) -> tuple[list[Rows], bool]:
        """See :class:`~services.image_retriever.nearest.Nearest`; always exhaustive.

        Raises:
            Overloaded: The GPU is out of memory, for half of the queries too.
        """
        return self.rows.candidates(queries, count, allowed, self.total), True


def _resources() -> "faiss.StandardGpuResources | None":
    """Returns what faiss needs on a GPU; None where this faiss was built for the processor."""
    if not hasattr(faiss, "StandardGpuResources"):
        return None
    # Teaches faiss to take tensors; importing it changes faiss itself.
    importlib.import_module("faiss.contrib.torch_utils")
    return faiss.StandardGpuResources()


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Says whether torch or faiss ran out of memory; faiss tells it in words alone."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)
