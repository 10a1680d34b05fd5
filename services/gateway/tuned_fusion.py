"""Says how rankings are merged for each class of queries: as tuned, else by default."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from runtime.artifacts import ArtifactRefused
from runtime.errors import InvalidArgument
from services.gateway.query import RETRIEVERS, Fusion, Query

KIND = "fusion"
FORMAT = 1
CLASSES = ("words_short", "words_long", "photo", "both_short", "both_long")
"""Classes of queries: words, a picture, or both; short ones have at most two words."""
SHORT = 2
_MOST = 0.99  # a retriever of weight 0 is not asked
_FILE = "fusion.json"
_DEFAULTS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "words_short": ("relative", 0.2),
        "words_long": ("relative", 0.1),
        "photo": ("rrf", 0.5),
        "both_short": ("convex", 0.9),
        "both_long": ("convex", 0.2),
    }
)
"""Method and the picture's share of the weights."""


@dataclass(frozen=True, slots=True)
class TunedFusion:
    """How rankings are merged, by class of query; a class that was not tuned has the default."""

    by_class: Mapping[str, Fusion] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, query: Query) -> Fusion:
        """How the rankings of a query are merged: as it asks for itself, else by its class.

        A list without words has an order and no scores, and is merged by ranks whatever is asked.
        """
        if not query.parts:
            return replace(query.fusion or Fusion(), method="rrf")
        if query.fusion is not None:
            return query.fusion
        name = class_of(query)
        return self.by_class.get(name) or default_fusion(name, query.labelled)

    @staticmethod
    def write(by_class: Mapping[str, Fusion], folder: Path) -> dict[str, object]:
        """Writes the classes that were tuned, and returns the facts.

        Raises:
            ValueError: A class is unknown, or a weight is not above 0.
        """
        told = {name: _told(name, fusion) for name, fusion in by_class.items()}
        text = json.dumps(told, indent=1, sort_keys=True)
        (folder / _FILE).write_text(text + "\n", encoding="utf-8")
        return {"classes": told}

    @classmethod
    def open(cls, folder: Path) -> "TunedFusion":
        """Reads what :meth:`write` wrote.

        Raises:
            ArtifactRefused: It is something else.
        """
        try:
            body = json.loads((folder / _FILE).read_bytes())
            found = {name: _read(name, entry) for name, entry in body.items()}
        except (OSError, ValueError, AttributeError, KeyError, TypeError, InvalidArgument) as error:
            raise ArtifactRefused("fusion_garbage", f"{folder} holds no tuned fusion") from error
        return cls(found)


def class_of(query: Query) -> str:
    """The class of a query that has parts."""
    words = query.words.split()
    if not words:
        return "photo"
    length = "short" if len(words) <= SHORT else "long"
    return f"{'both' if query.has_picture else 'words'}_{length}"


def default_fusion(name: str, labelled: float = 1.0) -> Fusion:
    """How the rankings of a class are merged where nothing was tuned.

    Words lead, and the picture votes on what they leave open. Beside a picture one or two words
    ("red") say little of what is meant, and the picture leads. Chosen on a drawn and on a real
    catalogue, each with all and with half of its labels; see docs/evaluation.md.

    Words can tell one product from another only where both are labelled. Where a share ``c`` of
    them is, that is so for ``c * c`` of all pairs, and words alone lead by so much less. Beside a
    picture it stays: the picture does not show what the words ask for.

    Args:
        name: The class.
        labelled: The share of the products that say what the words ask for, 0 to 1.
    """
    method, image = _DEFAULTS[name]
    if name.startswith("words"):
        image = min(1 - (1 - image) * labelled**2, _MOST)
    return Fusion(method, weights={"text": round(1 - image, 2), "image": round(image, 2)})


def _told(name: str, fusion: Fusion) -> dict[str, object]:
    """A fusion as JSON values."""
    _check(name, fusion)
    weights = {each: fusion.weight(each) for each in RETRIEVERS}
    return {"method": fusion.method, "k": fusion.k, "weights": weights}


def _read(name: str, entry: Mapping[str, object]) -> Fusion:
    method, k, weights = entry["method"], entry["k"], entry["weights"]
    if type(method) is not str or type(k) is not int or not isinstance(weights, dict):
        raise ValueError("a fusion is a method, a rank constant and weights")
    fusion = Fusion(method, k, {each: float(weights[each]) for each in RETRIEVERS})
    _check(name, fusion)
    return fusion


def _check(name: str, fusion: Fusion) -> None:
    # A retriever of weight 0 is not asked: nothing would stand in for the other where that fails.
    if name not in CLASSES or any(fusion.weight(each) <= 0 for each in RETRIEVERS):
        raise ValueError(f"{name} is no class, or one of its weights is not above 0")
