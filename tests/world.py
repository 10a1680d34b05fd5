"""Makes the small world that the tests share: drawn, trained, built and released."""

from dataclasses import replace
from pathlib import Path

from offline.build import build
from offline.clip_options import PRESETS
from offline.demo import learn_tastes
from offline.demo_catalog import draw_catalog
from offline.demo_shoppers import ShopperOptions, draw_shoppers
from offline.layout import DataDir
from offline.train_clip import train_clip

PRODUCTS, SHOPPERS = 240, 240
# Enough to tell kinds and colours apart for the most part; the figures are those of other tests.
CLIP = replace(PRESETS["demo"], epochs=4, batch=32, sizes=(48,), shares=(1.0,), threads=1)


def make_world(root: Path) -> DataDir:
    """Returns the world in ``root``; what is there and up to date is kept."""
    data = DataDir(root).create()
    draw_catalog(data, products=PRODUCTS)
    draw_shoppers(data, ShopperOptions(shoppers=SHOPPERS))
    train_clip(data, CLIP)
    build(data)
    learn_tastes(data)
    build(data)
    return data
