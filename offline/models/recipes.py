"""Names every recipe."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import cast

from offline.models.contract import Recipe
from runtime.errors import SetupError

# A recipe is imported when it is asked for: some stand on torch, which takes seconds to come.
PLACES: Mapping[str, tuple[str, str, str]] = {
    "popularity": ("popularity", "Popularity", "what most shoppers like, overall or lately"),
    "random": ("random", "Random", "chance, the floor under every figure"),
    "item-knn": ("item_knn", "ItemKnn", "neighbours by the shoppers that products share"),
    "rp3beta": ("rp3beta", "Rp3Beta", "walks from product to shopper to product"),
    "ease": ("ease", "Ease", "a linear autoencoder in closed form, up to 30,000 products"),
    "als": ("als", "Als", "factors of shoppers and products, which personal results use"),
    "als-search": ("als_search", "AlsSearch", "als with the options that a validation prefers"),
    "blend": ("blend", "Blend", "two models mixed by the weight that a validation prefers"),
}
"""Module below ``offline.models``, class, and what it is in a few words, by name."""


class _Recipes(Mapping[str, type[Recipe]]):
    def __getitem__(self, name: str) -> type[Recipe]:
        module, place, _ = PLACES[name]
        return cast("type[Recipe]", getattr(import_module(f"offline.models.{module}"), place))

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)


RECIPES: Mapping[str, type[Recipe]] = _Recipes()


def recipe_of(text: str) -> Recipe:
    """Returns the recipe of a text such as ``als`` or ``als:factors=256:alpha=10``.

    Raises:
        SetupError: There is no such recipe, or it has no such option, or the value is no value.
    """
    from offline.models.options import with_options

    name, *options = text.split(":")
    if name not in PLACES:
        raise SetupError(f"there is no model of that name: use {', '.join(PLACES)}")
    return with_options(RECIPES[name], options)
