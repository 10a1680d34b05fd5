"""Promises of the messages that carry products and hits."""

import numpy as np
import pytest

from catalog.product import Hit, Product
from catalog.wire import hits_from_proto, hits_to_proto, product_from_proto, product_to_proto
from fashion.catalog.v1 import catalog_pb2 as pb
from tests.test_store import FULL


@pytest.mark.parametrize("product", [FULL, Product(id="1", style_id="1", title="Bare")])
def test_a_product_survives_the_wire(product: Product) -> None:
    raw = product_to_proto(product).SerializeToString()
    assert product_from_proto(pb.Product.FromString(raw)) == product


def test_a_missing_price_is_absent_and_a_price_of_nothing_is_not() -> None:
    bare = product_to_proto(Product(id="1", style_id="1", title="x"))
    assert not bare.HasField("price_minor")
    free = product_to_proto(Product(id="1", style_id="1", title="x", price_minor=0, currency="EUR"))
    assert free.HasField("price_minor")


def test_stock_is_told() -> None:
    assert product_to_proto(FULL).in_stock


def test_every_field_of_the_message_is_carried() -> None:
    message = product_to_proto(FULL)
    message.seq = 5
    message.added_seq = 4
    carried = {field.name for field, _ in message.ListFields()}
    assert carried == {field.name for field in pb.Product.DESCRIPTOR.fields}


def test_a_product_without_style_is_a_style_of_its_own() -> None:
    assert product_from_proto(pb.Product(product_id="7", title="x")).style_id == "7"


def test_hits_survive_the_wire_in_order() -> None:
    scores = np.array([2.5, 1.25], np.float32)
    raw = hits_to_proto(["b", "a"], scores).SerializeToString()
    assert hits_from_proto(pb.PackedHits.FromString(raw)) == [Hit("b", 2.5), Hit("a", 1.25)]


def test_no_hits_are_an_empty_message() -> None:
    assert hits_to_proto([], np.zeros(0, np.float32)).ByteSize() == 0


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        hits_to_proto(["a"], np.array([score], np.float32))


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="scores"):
        hits_to_proto(["a"], np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="zip"):
        hits_from_proto(pb.PackedHits(product_ids=["a"]))
