"""Reads the options of a recipe, which are the fields of its dataclass."""

import dataclasses
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_type_hints

from offline.models.contract import Recipe
from runtime.errors import SetupError

Value = bool | int | float | str | tuple[str, ...]
_TRUTHS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a recipe: its name, type and default, and what it is for."""

    name: str
    type: type
    default: Value
    says: str

    @property
    def shown(self) -> str:
        """The default, as it would be typed."""
        if isinstance(self.default, bool):
            return "yes" if self.default else "no"
        return "+".join(self.default) if isinstance(self.default, tuple) else str(self.default)

    def read(self, text: str) -> Value:
        """Reads a value.

        Raises:
            SetupError: It is none of the option's type.
        """
        try:
            if self.type is bool:
                return _TRUTHS[text.lower()]
            if self.type is tuple:
                return tuple(text.split("+"))
            value: Value = self.type(text)
        except (ValueError, KeyError) as problem:
            raise SetupError(f"{self.name} takes {_named(self.type)}") from problem
        return value


def options_of(recipe: type[Recipe]) -> Mapping[str, Option]:
    """Returns the options of a recipe by name, as its fields and its docstring tell them."""
    plain: type[object] = recipe
    if not dataclasses.is_dataclass(plain):
        raise TypeError(f"{recipe.name} is no dataclass")
    hints = get_type_hints(recipe)
    _, _, told = inspect.cleandoc(recipe.__doc__ or "").partition("Attributes:")
    says = {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(told)}
    return {
        field.name: Option(
            field.name, _plain(hints[field.name]), _default(field), says.get(field.name, "")
        )
        for field in dataclasses.fields(plain)
    }


def with_options(recipe: type[Recipe], options: Sequence[str]) -> Recipe:
    """Makes a recipe with options such as ``factors=64``; those left away have their defaults.

    Raises:
        SetupError: There is no such option, or the value is none of its type.
    """
    known = options_of(recipe)
    given: dict[str, Value] = {}
    for each in options:
        name, is_given, text = each.partition("=")
        name = name.replace("-", "_")
        if name not in known or not is_given:
            there = ", ".join(known) or "none"
            raise SetupError(f"{recipe.name} has no such option: there are {there}")
        given[name] = known[name].read(text)
    return make(recipe, given)


def make(recipe: type[Recipe], given: Mapping[str, Value]) -> Recipe:
    """Makes a recipe with the options that are ``given`` by name."""
    made: Recipe = recipe(**given)
    return made


def _plain(hint: object) -> type:
    for plain in (bool, int, float, str):
        if hint is plain:
            return plain
    return tuple


def _default(field: "dataclasses.Field[Value]") -> Value:
    if field.default is dataclasses.MISSING:
        raise TypeError(f"{field.name} has no default")
    return field.default


def _named(kind: type) -> str:
    return {bool: "yes or no", int: "a whole number", float: "a number", tuple: "names with +"}.get(
        kind, "text"
    )
