"""Hides words from products, so that no document can be found by them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from catalog.normalize import Normalizer
from catalog.product import Product

SCORED = ("colour", "gender", "kind")


def scored_words(products: Iterable[Product], normalizer: Normalizer) -> frozenset[str]:
    """Returns the tokens of all colours, genders and kinds that the products have."""
    labels = {getattr(product, column) for product in products for column in SCORED}
    return frozenset(
        token for label in sorted(labels) for token in normalizer.document_tokens(label)
    )


def without_words(
    products: Sequence[Product], hidden: frozenset[str], normalizer: Normalizer
) -> list[Product]:
    """Returns the products with the scored columns empty and the tokens gone from all texts.

    What is left of a text are its other tokens, set apart so that no two make a new phrase. A
    token goes as well if it brings a hidden one along, as "tanktop" brings "top".
    """

    def shown(text: str) -> str:
        tokens = normalizer.document_tokens(text)
        if hidden.isdisjoint(tokens):
            return text
        return "; ".join(
            token for token in tokens if hidden.isdisjoint(normalizer.document_tokens(token))
        )

    return [
        replace(
            product,
            title=shown(product.title),
            description=shown(product.description),
            brand=shown(product.brand),
            category=tuple(text for each in product.category if (text := shown(each))),
            kind="",
            gender="",
            colour="",
            season=shown(product.season),
            attributes={
                name: text for name, each in product.attributes.items() if (text := shown(each))
            },
        )
        for product in products
    ]
