"""Tells by how the drawn products were made which of them a labelled query is right about."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from offline.demo_styles import Style, draw_styles

_TABLE = "drawn_truth.toml"
_PEOPLE = {"unisex": ("unisex", "women", "men")}


@dataclass(frozen=True, slots=True)
class Label:
    """What a query asks for, or does not want: a plain English word on one aspect."""

    aspect: str
    word: str


class DrawnTruth:
    """What each drawn product is, as the generator knows it.

    Words of labels lead to facts by the table beside this module, which was written before any
    search was measured with it. Each line of it holds facts of which one must hold; a fact of
    several parts, set apart by ``&``, holds where all of them do.

    Args:
        products: How many were drawn.
        seed: With which seed.
    """

    def __init__(self, products: int, seed: int) -> None:
        self._facts = {
            f"p-{style.first_product + place:06d}": facts_of(style, colour)
            for style in draw_styles(products, seed)
            for place, colour in enumerate(style.variants)
        }
        text = Path(__file__).with_name(_TABLE).read_text(encoding="utf-8")
        self._table: Mapping[str, Mapping[str, str | Sequence[str]]] = tomllib.loads(text)

    def knows(self, label: Label) -> bool:
        """Whether the generator decides what the label says; otherwise nobody can tell."""
        return self._line(label) is not None

    def holding(self, label: Label) -> frozenset[str]:
        """Returns the products of which a label holds; none where it is unknown."""
        wanted = [part.split("&") for part in self._line(label) or ()]
        alternatives = [frozenset(part.strip() for part in parts) for parts in wanted]
        return frozenset(
            product
            for product, facts in self._facts.items()
            if any(alternative <= facts for alternative in alternatives)
        )

    def right(self, wanted: Sequence[Label]) -> frozenset[str]:
        """Returns the products of which all known labels hold; none where no label is known."""
        known = [self.holding(label) for label in wanted if self.knows(label)]
        return frozenset.intersection(*known) if known else frozenset()

    @cached_property
    def products(self) -> frozenset[str]:
        """All products."""
        return frozenset(self._facts)

    def _line(self, label: Label) -> tuple[str, ...] | None:
        """The facts of a word; the table holds words in lower case, without hyphens."""
        table = self._table.get(label.aspect, {})
        word = label.word.casefold().replace("-", " ").strip()
        forms = (word, word.removesuffix("s"), word.removesuffix("es"), word + "s")
        found = next((table[form] for form in forms if form in table), None)
        if found is None:
            return None
        return (found,) if isinstance(found, str) else tuple(found)


def _cloths(material: str) -> Sequence[str]:
    """The words of a material; what is vegan leather is no leather."""
    words = material.split()
    return () if "vegan" in words else words


def facts_of(style: Style, colour: str) -> frozenset[str]:
    """Returns what holds of one colour of a style, such as ``kind=coat`` and ``model=trench``."""
    cut = style.cut
    facts = {
        "kind": (cut.kind,),
        "model": (cut.model,),
        "colour": (colour,),
        "pattern": (style.pattern,),
        "drawn": (f"{style.pattern} {style.variety % 2}", f"{style.pattern} of {style.variety}"),
        "sleeve": (cut.sleeve,),
        "neckline": (cut.neckline,),
        "length": (cut.length,),
        "fit": (cut.fit,),
        "gender": _PEOPLE.get(cut.gender, (cut.gender,)),
        "material": (style.material, *_cloths(style.material)),
        "season": (style.season,),
        "occasion": (style.occasion,),
    }
    return frozenset(f"{field}={value}" for field, values in facts.items() for value in values)
