"""Promises of what the catalogue refuses to keep."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalog.product import Product, SizeStock
from catalog.store import CatalogStore
from runtime.errors import InvalidArgument
from tests.test_store import FULL, SHA, plain


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore.open(f"sqlite:///{tmp_path}/catalog.sqlite", create=True)


def bad_products() -> dict[str, Product]:
    """One product for each limit, named by the field at fault."""
    return {
        "no id": replace(FULL, id=""),
        "long id": replace(FULL, id="x" * 129),
        "id with a control character": replace(FULL, id="a\x07"),
        "id with a lone surrogate": replace(FULL, id="a\ud800"),
        "id that no address can hold": replace(FULL, id=".."),
        "attribute without a name": replace(FULL, attributes={" ": "plain"}),
        "a size twice": replace(FULL, sizes=(SizeStock("M", 1), SizeStock("M", 2))),
        "blank title": replace(FULL, title="  "),
        "long title": replace(FULL, title="x" * 1001),
        "title with NUL": replace(FULL, title="a\x00b"),
        "title with a lone surrogate": replace(FULL, title="a\udfffb"),
        "five photos": replace(FULL, images=(SHA,) * 5),
        "no hash": replace(FULL, images=("AB" * 32,)),
        "negative price": replace(FULL, price_minor=-1),
        "price over 63 bits": replace(FULL, price_minor=2**63),
        "price without currency": replace(FULL, currency=""),
        "currency in lower case": replace(FULL, currency="eur"),
        "currency without price": replace(FULL, price_minor=None),
        "negative stock": replace(FULL, sizes=(SizeStock("M", -1),)),
        "attribute with NUL": replace(FULL, attributes={"a": "\x00"}),
        "too many categories": replace(FULL, category=("a",) * 17),
    }


@pytest.mark.parametrize("fault", bad_products())
def test_a_product_over_a_limit_is_refused_by_name_and_nothing_is_kept(
    store: CatalogStore, fault: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        store.upsert([plain(1), bad_products()[fault]])
    assert refused.value.field is not None
    assert refused.value.field.startswith("products[1].")
    assert (store.count(), store.seq()) == (0, 0)
