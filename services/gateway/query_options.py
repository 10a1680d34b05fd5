"""Says how words are read, rankings merged, and pages mixed, and what no hit may be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.normalize import clean
from runtime.errors import InvalidArgument
from services.gateway.limits import check_choice, check_range
from services.gateway.parts import MAX_TEXT_CHARS

RETRIEVERS = ("text", "image")
METHODS = ("rrf", "dbsf", "relative", "convex")
DEFAULT_K = 60
MAX_K = 1000
MAX_FUSION_WEIGHT = 10.0
QUOTAS = ("brand", "style", "colour")
MAX_QUOTA = 100
MAX_EXCLUDED = 15
MAX_IGNORED = 50
MAX_IGNORED_CHARS = 256


@dataclass(frozen=True, slots=True)
class Fusion:
    """How rankings are merged: ``k`` is the rank constant; an absent weight is 1."""

    method: str = "rrf"
    k: int = DEFAULT_K
    weights: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        check_choice(self.method, METHODS, "fusion.method")
        check_range(self.k, 1, MAX_K, "fusion.k")
        for name, weight in self.weights.items():
            check_choice(name, RETRIEVERS, "fusion.weights")
            check_range(weight, 0.0, MAX_FUSION_WEIGHT, f"fusion.weights.{name}")

    def weight(self, retriever: str) -> float:
        """The weight of a retriever, 0 to 10."""
        return self.weights.get(retriever, 1.0)


@dataclass(frozen=True, slots=True)
class Understand:
    """How far words are read.

    ``ignore`` names what is not, as ``field``, ``field:value`` or an effect, such as ``exclude``;
    the fields are those of the catalogue, so that only a reader can tell whether one is known.
    """

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
