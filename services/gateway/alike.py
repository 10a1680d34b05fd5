"""Finds out how alike the first products of a result are: by their pictures, else by attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from catalog.product import Product
from runtime.errors import ServiceError
from services.gateway.budget import Deadline
from services.gateway.diversity import Likeness, likeness
from services.gateway.fanout import within
from services.gateway.stages import Documents


class Vectors(Protocol):
    """Tells the vectors of products in small."""

    async def fetch(self, product_ids: Sequence[str], *, timeout_s: float) -> NDArray[np.int8]:
        """Of shape [products, dimension], all zeros for a product without one."""
        ...


@dataclass(frozen=True, slots=True)
class Alike:
    """How alike products are; ``error`` says why their pictures were not asked."""

    likeness: Likeness
    error: ServiceError | None = None


@dataclass(frozen=True, slots=True)
class LikenessFinder:
    """Asks for vectors, and reads documents where a product has none.

    Attributes:
        vectors: The image stage; None where there is none.
        documents: The products.
    """

    vectors: Vectors | None
    documents: Documents

    async def find(
        self, product_ids: Sequence[str], deadline: Deadline, *, by_pictures: bool
    ) -> Alike:
        """How alike products are, in their order.

        Args:
            product_ids: At most 200.
            deadline: For the image stage.
            by_pictures: Whether their pictures count; where the picture side did not answer the
                search they do not, so that the answer is that of a search that did not ask it.
        """
        found, error = np.zeros((len(product_ids), 0), np.int8), None
        if self.vectors is not None and by_pictures and product_ids:
            try:
                asking = self.vectors.fetch(product_ids, timeout_s=deadline.left_s())
                found = await within(deadline, asking)
            except ServiceError as problem:
                error = problem
        products: Mapping[str, Product] = {}
        if not found.any(axis=1).all():
            products = await self.documents.read(product_ids)
        return Alike(likeness(found, [products.get(name) for name in product_ids]), error)
