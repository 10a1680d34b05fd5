"""Promises of the suites of measurements."""

import random
from pathlib import Path

import pytest

from offline.grammar_evaluate import SUITES as NAMED
from offline.layout import DataDir
from offline.suite_attributes import LEAST, label_queries
from offline.suites import SUITES, run_suite
from runtime.errors import SetupError
from tests.random_filters import drawn_products


def test_the_command_line_knows_every_suite() -> None:
    assert tuple(SUITES) == NAMED


@pytest.mark.parametrize("name", NAMED)
def test_a_suite_without_what_it_needs_says_what_that_is(name: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"catalogue|--data|--dataset|catalog"):
        run_suite(name, DataDir(tmp_path), None, report=None, as_json=False)


def test_a_folder_of_datasets_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="is no folder"):
        run_suite("languages", DataDir(tmp_path), tmp_path / "x", report=None, as_json=False)


def test_a_label_is_asked_for_where_enough_products_have_it() -> None:
    products = drawn_products(random.Random(1), 300)
    queries = label_queries(products)
    assert queries["colour"]
    for field, asked in queries.items():
        for query in asked:
            right = {each.id for each in products if getattr(each, field) == query.text}
            assert query.relevant == right
            assert len(right) >= LEAST
