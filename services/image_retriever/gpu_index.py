"""Finds the rows of a matrix that may be nearest to a vector, on a GPU."""

import importlib
import threading

import faiss
import torch

from runtime.errors import Overloaded
from services.image_retriever.nearest import Rows, Stored, Vectors

# Half precision blurs a cosine by less than this many places at the end of a list.
_SPARE = 64
# The most that faiss finds for one query on a GPU.
_MOST = 2048


class GpuRows:
    """All rows in half precision in one tensor on the GPU.

    ``faiss.knn_gpu`` searches it where this build of faiss has it; else one matrix product does.
    One lock guards the GPU's memory: faiss' scratch space serves one call at a time.

    Args:
        vectors: Unit rows ``[n, dim]``.
        device: ``cuda``, ``cuda:N``; ``cpu`` follows the same path for tests.
    """

    def __init__(self, vectors: Stored, device: str) -> None:
        self._device = torch.device(device)
        self._rows = torch.from_numpy(vectors).to(self._device, torch.float16)
        self._lock = threading.Lock()
        self._faiss = _resources() if self._device.type == "cuda" else None

    @property
    def engine(self) -> str:
        """``faiss`` or ``torch``: what searches."""
        return "faiss" if self._faiss is not None else "torch"

    def candidates(self, queries: Vectors, count: int) -> list[Rows]:
        """See :class:`~services.image_retriever.nearest.Nearest`.

        Raises:
            Overloaded: The GPU is out of memory, for half of the queries too.
        """
        with self._lock:
            try:
                found = self._search(queries, count)
            except RuntimeError as error:
                if not _is_out_of_memory(error):
                    raise
                found = self._in_halves(queries, count)
        return [rows[rows >= 0] for rows in found]

    def _in_halves(self, queries: Vectors, count: int) -> list[Rows]:
        torch.cuda.empty_cache()
        middle = (len(queries) + 1) // 2
        try:
            parts = [self._search(half, count) for half in (queries[:middle], queries[middle:])]
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            raise Overloaded("the GPU is out of memory: try again", retry_after_s=1.0) from None
        return [rows for part in parts for rows in part]

    def _search(self, queries: Vectors, count: int) -> list[Rows]:
        wanted = min(count + _SPARE, len(self._rows))
        asked = torch.from_numpy(queries).to(self._device, torch.float16)
        if not len(asked):
            return []
        if self._faiss is not None and wanted <= _MOST:
            _, rows = faiss.knn_gpu(
                self._faiss, asked, self._rows, wanted, metric=faiss.METRIC_INNER_PRODUCT
            )
        else:
            rows = torch.topk(asked @ self._rows.T, wanted, dim=1, sorted=False).indices
        return list(rows.cpu().numpy())


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
