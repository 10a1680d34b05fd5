"""A small world of shoppers in two camps, each with products of its own."""

import numpy as np
from scipy import sparse

from offline.models.contract import ProductSide, Rows, Training

USERS, PRODUCTS, NEW = 60, 40, 8


class Quiet:
    """Shows nothing, and counts what it is told."""

    def __init__(self) -> None:
        self.steps = 0

    def advance(self, count: int = 1) -> None:
        self.steps += count

    def note(self, text: str) -> None:
        pass


def camp_of(row: int) -> int:
    """The camp of a user or product: even or odd."""
    return row % 2


def two_camps(seed: int = 0, *, dislikes: bool = False) -> Training:
    """Users like half of their camp's products; the last 8 products nobody met.

    Every product has a photo but the very last one; photos and words tell the camp.
    """
    draw = np.random.default_rng(seed)
    met = np.zeros((USERS, PRODUCTS), np.float32)
    for user in range(USERS):
        for product in range(PRODUCTS - NEW):
            if camp_of(product) == camp_of(user):
                met[user, product] = draw.random() < 0.5
            elif dislikes and draw.random() < 0.1:
                met[user, product] = -1.0
    return Training(sparse.csr_matrix(met), None, side(seed))


def side(seed: int = 0) -> ProductSide:
    """What the products are: photos of 6 numbers, two words."""
    draw = np.random.default_rng(seed + 1)
    looks = 0.3 * draw.normal(size=(PRODUCTS, 6))
    camps = np.arange(PRODUCTS) % 2
    looks[np.arange(PRODUCTS), camps] += 1.0
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    looks[-1] = 0.0
    words = sparse.csr_matrix(np.eye(2, dtype=np.float32)[camps])
    codes: Rows = camps.astype(np.intp)
    return ProductSide(looks.astype(np.float32), words, codes, np.arange(PRODUCTS))


def prefers_own_camp(scores: np.ndarray, products: range | list[int]) -> float:
    """Share of users whose mean score of their own camp's products is above the other's."""
    rows = np.array(products)
    wins = []
    for user, row in enumerate(scores):
        own = row[rows[rows % 2 == camp_of(user)]].mean()
        wins.append(own > row[rows[rows % 2 != camp_of(user)]].mean())
    return float(np.mean(wins))
