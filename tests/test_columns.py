"""Promises of the columns."""

from dataclasses import replace

from catalog.columns import NO_PRICE, Columns
from catalog.product import SizeStock
from tests.test_store import FULL, plain


def test_columns_hold_the_attributes_of_every_product() -> None:
    sold_out = replace(plain(2), colour="red", sizes=(SizeStock("M", 0),))
    columns = Columns.build([FULL, plain(1), sold_out])
    assert columns.ids == ("007", "p-0001", "p-0002")
    assert columns.places["p-0002"] == 2
    assert columns.words["colour"].equals("red").tolist() == [True, False, True]
    assert columns.words["colour"].equals("green").tolist() == [False] * 3
    assert columns.words["brand"].words == ("", "Acme")
    assert columns.prices.tolist() == [4999, NO_PRICE, NO_PRICE]
    assert columns.in_stock.tolist() == [True, True, False]
    assert columns.has_photo.tolist() == [True, False, False]
