"""Refuses values outside their limits by the name of the field, without an echo of them."""

from collections.abc import Sequence

from catalog import limits
from runtime.errors import InvalidArgument


def check_id(value: str, path: str) -> None:
    """Refuses what cannot be an id of a product or a user."""
    limits.check_id(value, path=path)  # what the catalogue keeps can be asked for


def check_ids(values: Sequence[str], most: int, path: str) -> None:
    """Refuses a list that is too long or holds what cannot be an id."""
    if len(values) > most:
        raise InvalidArgument(f"at most {most} ids", field=path)
    for place, value in enumerate(values):
        check_id(value, f"{path}[{place}]")


def check_range(value: float, low: float, high: float, path: str) -> None:
    """Refuses a number that is not within the range, NaN included."""
    if not low <= value <= high:  # false for NaN as well
        raise InvalidArgument(f"must be {_written(low)} to {_written(high)}", field=path)


def check_choice(value: str, choices: Sequence[str], path: str) -> None:
    """Refuses a word that is none of the choices."""
    if value not in choices:
        known = ", ".join(choices)
        raise InvalidArgument(
            f"must be {known}" if len(choices) == 1 else f"must be one of {known}", field=path
        )


def _written(bound: float) -> str:
    """A whole number with all its digits, any other short."""
    return str(bound) if isinstance(bound, int) else f"{bound:g}"
