"""Names every recipe."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import cast

from offline.models.contract import Recipe
from offline.models.places import PLACES
from runtime.errors import SetupError


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
