"""Promises of how the parts of a query become the vectors that the image stage is asked with."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.errors import InvalidArgument
from services.gateway.aiming import MAX_CANDIDATES, Aim, aim_at
from services.gateway.parts import Example, Part, Photo, words
from services.gateway.query import Query
from services.gateway.query_options import Rerank, Understand
from services.gateway.stages import Boost, QueryKind, QueryVector

RED, BLUE, DRESS = np.eye(3, dtype="<f4")
PHOTO = Part(Photo(b"photo"), "parts[0]")
WORDS = words("red", "text")


def vector(row: NDArray[np.float32] | None, kind: QueryKind = QueryKind.PHOTO) -> QueryVector:
    return QueryVector("enc-1", kind, b"" if row is None else row.tobytes())


def aim(query: Query, *rows: NDArray[np.float32] | None, count: int = 200) -> Aim:
    found = aim_at(query, [vector(row) for row in rows], count)
    assert found is not None
    return found


def row(data: bytes) -> NDArray[np.float32]:
    return np.frombuffer(data, "<f4")


def unit(*parts: float) -> NDArray[np.float64]:
    return np.asarray(np.array(parts) / np.linalg.norm(parts))


def test_a_vector_is_the_weighted_sum_of_its_parts() -> None:
    parts = (words("red", "text", 2.0), Part(Photo(b"x"), "parts[0]", 0.5), PHOTO)
    away = Part(Example("p-1"), "parts[2]", -1.0)
    found = aim(Query(parts=(*parts[:2], away)), RED, BLUE, DRESS)
    assert np.allclose(row(found.vector.data), unit(2, 0.5, -1), atol=1e-6)
    assert found.vector.kind is QueryKind.MIXED


def test_a_mood_board_is_the_mean_of_its_photos() -> None:
    board = Query(parts=(PHOTO, Part(Photo(b"y"), "parts[1]")))
    found = aim(board, RED, BLUE)
    assert np.allclose(row(found.vector.data), unit(1, 1, 0), atol=1e-6)
    assert (found.order, found.kind, found.vector.kind) == (b"", b"", QueryKind.PHOTO)


def test_with_words_the_kind_is_the_pictures() -> None:
    away = Part(Example("p-1"), "parts[1]", -1.0)
    found = aim(Query(parts=(WORDS, PHOTO, away)), RED, DRESS, BLUE)
    assert np.allclose(row(found.kind), DRESS), "what leads away tells no kind"
    assert found.order == found.vector.data
    assert found.candidates == 1000


def test_the_kind_of_a_product_is_asked_of_the_catalogue() -> None:
    liked = Part(Example("p-1"), "parts[0]")
    found = aim(Query(parts=(WORDS, liked)), RED, DRESS)
    assert (found.kind, found.kind_products) == (b"", ("p-1",))
    both = aim(Query(parts=(WORDS, liked, PHOTO)), RED, BLUE, DRESS)
    assert np.allclose(row(both.kind), DRESS), "that of the photo its neighbours tell"
    assert both.kind_products == ("p-1",)


def test_the_kind_is_the_products_where_all_that_was_said_became_a_filter() -> None:
    liked = Part(Example("p-1"), "parts[0]")
    assert aim(Query(parts=(liked,)), DRESS).candidates == 0, "a product alone is all that it looks"
    found = aim(Query(parts=(liked,), said=True), DRESS)
    assert (found.kind_products, found.candidates) == (("p-1",), 1000)
    assert found.order == found.vector.data
    named = Query(parts=(liked,), said=True, boosts=(Boost("kind", ("skirt",), 1.0),))
    assert aim(named, DRESS).kind_products == ()


def test_several_products_are_each_heard_by_their_kinds() -> None:
    board = (Part(Example("p-1"), "parts[0]"), Part(Example("p-2"), "parts[1]"))
    assert aim(Query(parts=board), DRESS, BLUE).kind_products == ("p-1", "p-2")
    away = (board[0], replace(board[1], weight=-1.0))
    assert aim(Query(parts=away), DRESS, BLUE).kind_products == ()
    literal = Query(parts=board, understand=Understand(enabled=False))
    assert aim(literal, DRESS, BLUE).kind_products == ()


def test_words_that_name_a_kind_leave_none_to_the_picture() -> None:
    named = Query(parts=(WORDS, PHOTO), boosts=(Boost("kind", ("skirt",), 1.0),))
    assert aim(named, RED, DRESS).kind == b""
    coloured = Query(parts=(WORDS, PHOTO), boosts=(Boost("colour", ("red",), 1.0),))
    assert aim(coloured, RED, DRESS).kind != b""


def test_two_stages_take_the_shares_that_were_asked_for() -> None:
    query = Query(parts=(WORDS, PHOTO), rerank=Rerank(0.75, 0.9))
    found = aim(query, RED, DRESS)
    assert np.allclose(row(found.vector.data), unit(0.25, 0, 0.75), atol=1e-6)
    assert np.allclose(row(found.order), unit(0.9, 0, 0.1), atol=1e-6)
    assert (found.vector.kind, found.candidates) == (QueryKind.MIXED, 1000)
    whole = aim(Query(parts=(WORDS, PHOTO), rerank=Rerank(1, 1)), RED, DRESS, count=1000)
    assert np.allclose(row(whole.vector.data), DRESS)
    assert np.allclose(row(whole.order), RED)
    assert (whole.vector.kind, whole.candidates) == (QueryKind.PHOTO, MAX_CANDIDATES)
    words_find = aim(Query(parts=(WORDS, PHOTO), rerank=Rerank(0, 0)), RED, DRESS)
    assert words_find.vector.kind is QueryKind.TEXT


def test_unknown_words_leave_the_picture_and_its_kind_alone() -> None:
    for rerank in (None, Rerank(0.5, 0.9)):
        found = aim(Query(parts=(WORDS, PHOTO), rerank=rerank), None, DRESS)
        assert np.allclose(row(found.vector.data), DRESS)
        assert (found.order, found.vector.kind) == (found.vector.data, QueryKind.PHOTO)
        assert np.allclose(row(found.kind), DRESS)


def test_words_that_nobody_knows_aim_nowhere() -> None:
    assert aim_at(Query(parts=(WORDS,)), [vector(None, QueryKind.TEXT)], 10) is None


@pytest.mark.parametrize("rerank", [None, Rerank(0.5, 0.5)])
def test_parts_that_cancel_out_are_refused(rerank: Rerank | None) -> None:
    query = Query(parts=(WORDS, PHOTO), rerank=rerank)
    with pytest.raises(InvalidArgument, match="cancel") as caught:
        aim(query, RED, -RED)
    assert caught.value.field == "parts"
