"""Networks that say how likely a shopper likes a product (He et al., WWW 2017)."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import nn

_FIRST = 0.05
"""Spread of the first embeddings; He et al. take .01, which needs many more epochs to leave."""


class Part(Protocol):
    """A part of a network; parts add up."""

    def __call__(self, users: torch.Tensor, products: torch.Tensor) -> torch.Tensor:
        """Logits float32 [n] of pairs, int64 [n] each."""
        ...

    def against_all(self, users: torch.Tensor) -> torch.Tensor:
        """Logits float32 [n, products] of users, int64 [n], and all products."""
        ...

    def forget(self, unknown: torch.Tensor) -> None:
        """Makes nothing of what the products that are ``unknown``, bool [products], began with."""
        ...


class Product(nn.Module):
    """Generalised matrix factorisation: ``h . (p * q)``.

    Args:
        users: How many.
        products: How many.
        factors: Width of p and q.
        draw: Draws the first weights.
    """

    def __init__(self, users: int, products: int, factors: int, draw: torch.Generator) -> None:
        super().__init__()
        self.users = _embedding(users, factors, draw)
        self.products = _embedding(products, factors, draw)
        self.mix = nn.Parameter(torch.ones(factors))

    def forward(self, users: torch.Tensor, products: torch.Tensor) -> torch.Tensor:
        """As :class:`Part` says."""
        return torch.as_tensor((self.users[users] * self.products[products]) @ self.mix)

    def against_all(self, users: torch.Tensor) -> torch.Tensor:
        """As :class:`Part` says."""
        return torch.as_tensor((self.users[users] * self.mix) @ self.products.T)

    def forget(self, unknown: torch.Tensor) -> None:
        """As :class:`Part` says."""
        with torch.no_grad():
            self.products[unknown] = 0.0


class Tower(nn.Module):
    """A multilayer perceptron over ``[p, q]``, or ``[p, q, picture]``.

    The first layer is a sum of what it makes of each side, so that a shopper meets all products
    without all pairs being written out.

    Args:
        users: How many.
        products: How many.
        layers: Width of p and q, then of each layer; two numbers or more.
        draw: Draws the first weights.
        pictures: float32 [products, d], zeros where there is none; None: no pictures.
        blind: Share of the pairs that are learned without q, from the picture alone, so that a
            product that nobody met can be judged by its picture. 0 without pictures.
    """

    def __init__(
        self,
        users: int,
        products: int,
        layers: Sequence[int],
        draw: torch.Generator,
        *,
        pictures: torch.Tensor | None = None,
        blind: float = 0.0,
    ) -> None:
        super().__init__()
        width, first, *rest = layers
        self.users = _embedding(users, width, draw)
        self.products = _embedding(products, width, draw)
        self.of_user = _linear(width, first, draw)
        self.of_product = _linear(width, first, draw, bias=False)
        self.of_picture = None
        if pictures is not None:
            self.of_picture = _linear(pictures.shape[1], first, draw, bias=False)
            self.register_buffer("pictures", pictures, persistent=False)
        self.rest = nn.Sequential(
            *(
                layer
                for a, b in zip([first, *rest], [*rest, 0], strict=True)
                for layer in (nn.ReLU(), _linear(a, b or 1, draw))
            )
        )
        self._blind = blind
        self._draw = draw

    def forward(self, users: torch.Tensor, products: torch.Tensor) -> torch.Tensor:
        """As :class:`Part` says."""
        product = self.products[products]
        if self.training and self._blind:
            seen = torch.rand(len(products), 1, generator=self._draw) >= self._blind
            product = product * seen
        side = self.of_product(product) + self._pictured(products)
        return torch.as_tensor(self.rest(self.of_user(self.users[users]) + side).squeeze(1))

    def against_all(self, users: torch.Tensor) -> torch.Tensor:
        """As :class:`Part` says."""
        everything = torch.arange(len(self.products))
        side = self.of_product(self.products) + self._pictured(everything)
        asked = self.of_user(self.users[users])
        return torch.stack([self.rest(row + side).squeeze(1) for row in asked])

    def forget(self, unknown: torch.Tensor) -> None:
        """As :class:`Part` says."""
        with torch.no_grad():
            self.products[unknown] = 0.0

    def _pictured(self, products: torch.Tensor) -> torch.Tensor:
        if self.of_picture is None:
            return torch.zeros(1)
        return torch.as_tensor(self.of_picture(self.get_buffer("pictures")[products]))


class Network(nn.Module):
    """The sum of some parts and a constant, as a logit.

    A product and a tower together are NeuMF: one dense layer over both of their ends.
    """

    def __init__(self, *parts: Product | Tower) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.constant = nn.Parameter(torch.full((1,), -1.5))
        self._parts: tuple[Part, ...] = parts

    def forward(self, users: torch.Tensor, products: torch.Tensor) -> torch.Tensor:
        """As :class:`Part` says."""
        return sum((part(users, products) for part in self._parts), self.constant)

    def against_all(self, users: torch.Tensor) -> torch.Tensor:
        """As :class:`Part` says."""
        return sum((part.against_all(users) for part in self._parts), self.constant)

    def forget(self, unknown: torch.Tensor) -> None:
        """As :class:`Part` says."""
        for part in self._parts:
            part.forget(unknown)


def _embedding(count: int, width: int, draw: torch.Generator) -> nn.Parameter:
    return nn.Parameter(_FIRST * torch.randn(count, width, generator=draw))


def _linear(wide: int, narrow: int, draw: torch.Generator, *, bias: bool = True) -> nn.Linear:
    layer = nn.Linear(wide, narrow, bias=bias)
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=draw)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
