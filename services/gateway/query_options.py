"""Says how the words of a search are read, what is left out, and how a page is mixed."""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.normalize import clean
from runtime.errors import InvalidArgument
from services.gateway.limits import check_choice, check_range
from services.gateway.parts import MAX_TEXT_CHARS

QUOTAS = ("brand", "style", "colour")
MAX_QUOTA = 100
MAX_EXCLUDED = 15
MAX_IGNORED = 50
MAX_IGNORED_CHARS = 256


@dataclass(frozen=True, slots=True)
class Understand:
    """How far words are read; ``ignore`` names what is not, as ``field`` or ``field:value``."""

    enabled: bool = True
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.ignore) > MAX_IGNORED:
            raise InvalidArgument(f"at most {MAX_IGNORED} entries", field="understand.ignore")
        for place, name in enumerate(self.ignore):
            path = f"understand.ignore[{place}]"
            if not 1 <= len(name) <= MAX_IGNORED_CHARS:
                raise InvalidArgument(f"must be 1 to {MAX_IGNORED_CHARS} characters", field=path)
            if not name.partition(":")[0].strip():
                raise InvalidArgument(
                    "must be a field, or a field, a colon and a value", field=path
                )


@dataclass(frozen=True, slots=True)
class Rerank:
    """Two stages of the picture side, both 0 to 1.

    ``first`` is the picture's share in finding candidates, the rest is the words'; ``second`` is
    the words' share in ordering them, the rest is the picture's.
    """

    first: float
    second: float

    def __post_init__(self) -> None:
        check_range(self.first, 0.0, 1.0, "rerank.first")
        check_range(self.second, 0.0, 1.0, "rerank.second")


def exclusion(text: str, path: str) -> str:
    """Words for what no hit may be, cleaned.

    Raises:
        InvalidArgument: There are no words, or too many.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise InvalidArgument(f"at most {MAX_TEXT_CHARS} characters", field=path)
    return clean(text)


def check_exclusions(excluded: tuple[str, ...]) -> None:
    """Refuses too many exclusions, too long ones, and any without words."""
    if len(excluded) > MAX_EXCLUDED:
        raise InvalidArgument(f"at most {MAX_EXCLUDED} entries", field="exclude")
    for place, text in enumerate(excluded):
        if not text:
            raise InvalidArgument("the text holds no words", field=f"exclude[{place}]")
    if sum(len(text) for text in excluded) > MAX_TEXT_CHARS:
        raise InvalidArgument(f"at most {MAX_TEXT_CHARS} characters together", field="exclude")


def check_quotas(quotas: Mapping[str, int]) -> None:
    """Refuses quotas on other fields, and numbers that are not 1 to 100."""
    for name, most in quotas.items():
        check_choice(name, QUOTAS, "quotas")
        check_range(most, 1, MAX_QUOTA, f"quotas.{name}")
