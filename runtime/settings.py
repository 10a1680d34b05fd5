"""Reads a frozen dataclass of settings from the environment, and fails by name."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path

from runtime.errors import SetupError

PREFIX = "HEMLINE_"
_T = typing.TypeVar("_T")
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def load(kind: type[_T], environ: Mapping[str, str]) -> _T:
    """Builds ``kind`` from variables named ``HEMLINE_`` + the field's name in upper case.

    Args:
        kind: A dataclass whose fields are str, int, float, bool, Path, tuple[str, ...]
            (comma-separated), or one of these or None. A field without default is required.
            A field whose metadata hold ``secret=True`` never shows its value in an error.
        environ: The environment, such as ``os.environ``.

    Raises:
        SetupError: A required variable is missing, or a value does not fit its type.
    """
    hints = typing.get_type_hints(kind)
    values: dict[str, object] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]  # T is a dataclass by contract
        name = PREFIX + field.name.upper()
        raw = environ.get(name)
        if raw is None:
            if (
                field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING
            ):
                raise SetupError(f"{name} is not set: it is required")
            continue
        try:
            values[field.name] = _parse(raw, hints[field.name])
        except ValueError:
            shown = "its value" if field.metadata.get("secret") else repr(raw)
            raise SetupError(f"{name}: {shown} is not a valid {_name(hints[field.name])}") from None
    return kind(**values)


def environment(settings: object) -> dict[str, str]:
    """Returns the variables from which :func:`load` builds equal settings; None is left out."""
    return {
        PREFIX + field.name.upper(): _format(value)
        for field in dataclasses.fields(settings)  # type: ignore[arg-type]  # a dataclass by contract
        if (value := getattr(settings, field.name)) is not None
    }


def _parse(raw: str, hint: object) -> object:
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        return tuple(part.strip() for part in raw.split(",") if part.strip())
    if hint is bool:
        if raw.lower() not in _TRUE | _FALSE:
            raise ValueError(raw)
        return raw.lower() in _TRUE
    if hint is str or hint is int or hint is float or hint is Path:
        return hint(raw)
    raise TypeError(f"settings cannot hold {hint}")


def _format(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _name(hint: object) -> str:
    return getattr(hint, "__name__", str(hint))
