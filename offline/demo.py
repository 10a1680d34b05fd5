"""Makes everything that the demo serves, from nothing."""

from offline.build import build
from offline.clip_options import PRESETS
from offline.demo_catalog import draw_catalog
from offline.demo_shoppers import draw_shoppers
from offline.layout import DataDir
from offline.models.hybrid import Hybrid
from offline.models.popularity import Popularity
from offline.models.rp3beta import Rp3Beta
from offline.train_clip import train_clip
from offline.train_model import train_model
from offline.train_options import TrainOptions

NEIGHBOURS = Rp3Beta(alpha=0.8, beta=0.5, neighbours=100)
"""Holds popular products back: what is taken together should be particular to a product."""


def make(data: DataDir, *, products: int) -> None:
    """Draws the catalogue and its shoppers, trains on both, and releases what was built.

    Each step keeps what is up to date. Tastes lean on what products look like, so they are learned
    from the pictures that are released, and released after them.
    """
    draw_catalog(data.create(), products=products)
    draw_shoppers(data)
    train_clip(data, PRESETS["demo"])
    build(data)
    learn_tastes(data)
    build(data)


def learn_tastes(data: DataDir) -> None:
    """Trains everything that personal results and recommendations are made of."""
    train_model(data, Hybrid())
    # What figures say is told of the tastes; these two take seconds, and theirs are not needed.
    quick = TrainOptions(held_out=0.0)
    train_model(data, NEIGHBOURS, quick)
    train_model(data, Popularity(), quick)
