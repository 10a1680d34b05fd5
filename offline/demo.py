"""Makes everything that the demo serves, from nothing."""

from offline.build import build
from offline.clip_options import PRESETS
from offline.demo_catalog import draw_catalog
from offline.demo_shoppers import draw_shoppers
from offline.layout import DataDir
from offline.train_als import train_als
from offline.train_clip import train_clip


def make(data: DataDir, *, products: int) -> None:
    """Draws the catalogue and its shoppers, trains on both, and releases what was built.

    Each step keeps what is up to date.
    """
    draw_catalog(data.create(), products=products)
    draw_shoppers(data)
    train_clip(data, PRESETS["demo"])
    train_als(data)
    build(data)
