"""Promises of the kind that pictures keep: the catalogue's where it is known, else the likes'."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fashion.image.v1 import image_retriever_pb2 as pb
from runtime.errors import InvalidArgument
from services.image_retriever.live import LiveIndex, LiveView
from services.image_retriever.question import KIND_SHARE
from services.image_retriever.servicer_messages import Search, read_search
from services.image_retriever.snapshot import Snapshot
from tests.image_artifact import pictured, write_snapshot

# A skirt among dresses, a coat by itself, and a scarf whose kind nobody wrote down.
KINDS = {
    **{f"dress-{n}": "dress" for n in range(6)},
    **{f"skirt-{n}": "skirt" for n in range(6)},
    "odd": "skirt",
    "bare": "",
}


@pytest.fixture
def view(tmp_path: Path) -> LiveView:
    products = [replace(pictured(name), kind=kind) for name, kind in KINDS.items()]
    rows = np.stack([_look(name) for name in KINDS])
    write_snapshot(tmp_path, products, rows)
    return LiveIndex(Snapshot.open(tmp_path), generation="000001-abcdef01", seq=1).view


def _look(name: str) -> NDArray[np.float32]:
    """Dresses lie about the first axis, the odd skirt and the bare one amid them."""
    axis = 1 if name.startswith("skirt") else 0
    row = np.eye(4)[axis] + 0.1 * np.random.default_rng(len(name) + ord(name[-1])).random(4)
    return np.asarray(row / np.linalg.norm(row), np.float32)


def lifted(view: LiveView, query: pb.VectorQuery) -> Mapping[str, float]:
    """How much each product is lifted above its cosine."""
    read = read_search(query, view, 0.0)
    assert isinstance(read, Search)
    (found,) = view.search(
        read.vector[None], 20, filters=[None], reorder=[read.reorder], floor=[None]
    )
    cosines = view.vectors_of(found.ids) @ np.frombuffer(query.order_vector, "<f4")
    return dict(zip(found.ids, (found.scores - cosines).round(4).tolist(), strict=True))


def asked(*product_ids: str, kind_vector: bytes = b"") -> pb.VectorQuery:
    vector = np.full(4, 0.5, "<f4").tobytes()
    return pb.VectorQuery(
        vector=vector,
        order_vector=vector,
        hit_count=20,
        kind_product_ids=product_ids,
        kind_vector=kind_vector,
    )


def test_the_kind_of_a_product_is_the_catalogues(view: LiveView) -> None:
    """By its looks the odd skirt is a dress."""
    found = lifted(view, asked("odd"))
    assert found["skirt-1"] == pytest.approx(KIND_SHARE)
    assert found["dress-1"] == 0
    by_looks = lifted(view, asked(kind_vector=_look("odd").tobytes()))
    assert by_looks["dress-1"] > by_looks["skirt-1"]


def test_a_product_of_no_kind_is_told_by_its_likes(view: LiveView) -> None:
    found = lifted(view, asked("bare"))
    assert found["dress-1"] > found["skirt-1"]
    assert found["dress-1"] > 0


def test_several_pictures_share_the_lift(view: LiveView) -> None:
    both = lifted(view, asked("odd", "dress-0"))
    assert both["skirt-1"] == both["dress-1"] == pytest.approx(KIND_SHARE / 2)
    photo = lifted(view, asked("odd", kind_vector=_look("skirt-3").tobytes()))
    assert photo["skirt-1"] == pytest.approx(KIND_SHARE, abs=0.06)
    assert lifted(view, asked("gone"))["dress-1"] == 0, "a product that is gone tells nothing"


def test_kinds_are_for_what_is_ordered_anew(view: LiveView) -> None:
    query = asked("odd")
    query.order_vector = b""
    refused = read_search(query, view, 0.0)
    assert isinstance(refused, InvalidArgument)
    assert refused.field == "kind_product_ids"
    many = read_search(asked(*["odd"] * 17), view, 0.0)
    assert isinstance(many, InvalidArgument)
    assert many.field == "kind_product_ids"
