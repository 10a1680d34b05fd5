"""Keeps numbers in an array that grows at its end while others read it."""

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

_T = TypeVar("_T", bound=np.generic)
_SPARE = 1024


class Growing(Generic[_T]):
    """Numbers of one dtype: one thread appends, any thread reads what was there when it looked.

    What was appended never changes, so a reader needs no lock: it takes :meth:`first` of a count
    that it was told after the append. Growing by an eighth, appending costs O(1) a number.

    Args:
        held: The first numbers, shape [numbers]; kept, not copied, and never written to.
    """

    __slots__ = ("_held", "_size")

    def __init__(self, held: npt.NDArray[_T]) -> None:
        self._held = held
        self._size = len(held)

    def __len__(self) -> int:
        """Returns how many numbers there are."""
        return self._size

    def extend(self, numbers: npt.NDArray[_T]) -> None:
        """Appends numbers, shape [more]."""
        if not len(numbers):
            return
        size = self._size + len(numbers)
        if size > len(self._held):
            grown = np.empty(size + size // 8 + _SPARE, self._held.dtype)
            grown[: self._size] = self._held[: self._size]
            self._held = grown
        self._held[self._size : size] = numbers
        # Last: who reads a size finds an array that holds as many.
        self._size = size

    def first(self, count: int) -> npt.NDArray[_T]:
        """Returns the first ``count`` numbers, read-only, without a copy."""
        found = self._held[:count]
        found.flags.writeable = False
        return found
