"""Promises of vectors as rows: each photo is embedded once in the whole system."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, event, update

from catalog.store import CatalogStore
from catalog.tables import IMAGE_CLAIMS
from runtime.errors import InvalidArgument
from tests.test_store import FULL, SHA

VECTOR = np.arange(4, dtype="<f4").tobytes()
OTHER = np.ones(4, "<f4").tobytes()
SHAS = [f"{n:064x}" for n in range(450)]


def expire_claims(store: CatalogStore) -> None:
    """Lets every lease run out, as the database's clock would."""
    with store.engine.begin() as connection:
        connection.execute(
            update(IMAGE_CLAIMS).values(expires_us=IMAGE_CLAIMS.c.expires_us - 10**9)
        )


def test_a_vector_comes_back_bit_by_bit_under_its_encoder(store: CatalogStore) -> None:
    store.vectors.put("enc", [(SHA, VECTOR, "")])
    assert store.vectors.get("enc", [SHA, "cd" * 32]) == {SHA: VECTOR}
    assert store.vectors.get("other", [SHA]) == {}
    assert store.vectors.get("enc", []) == {}


def test_many_vectors_are_kept_and_found_at_once(store: CatalogStore) -> None:
    assert store.vectors.put("enc", [(sha, VECTOR, "") for sha in SHAS]) == 450
    assert store.vectors.get("enc", SHAS) == dict.fromkeys(SHAS, VECTOR)


def test_a_photo_that_cannot_be_decoded_has_a_problem_and_no_vector(store: CatalogStore) -> None:
    store.vectors.put("enc", [(SHA, None, "cut short"), (SHAS[0], VECTOR, "")])
    assert store.vectors.get("enc", [SHA]) == {SHA: b""}
    assert store.vectors.problems("enc", [SHA, *SHAS[:2]]) == {SHA: "cut short"}


def test_a_vector_once_kept_stays_and_takes_no_second_number(store: CatalogStore) -> None:
    assert store.vectors.put("enc", [(SHA, VECTOR, "")]) == 1
    assert store.vectors.put("enc", [(SHA, OTHER, "")]) == 1
    assert store.vectors.put("enc", [(SHA, None, "cut short")]) == 1
    assert store.vectors.get("enc", [SHA]) == {SHA: VECTOR}


def test_a_problem_may_be_mended_and_then_takes_a_number(store: CatalogStore) -> None:
    assert store.vectors.put("enc", [(SHA, None, "missing")]) == 1
    assert store.vectors.put("enc", [(SHA, None, "missing")]) == 1
    assert store.vectors.put("enc", [(SHA, None, "cut short")]) == 2
    assert store.vectors.put("enc", [(SHA, VECTOR, "")]) == 3
    assert store.vectors.get("enc", [SHA]) == {SHA: VECTOR}


@pytest.mark.parametrize(
    "row",
    [
        ("no hash", VECTOR, ""),
        (SHA, None, ""),
        (SHA, VECTOR, "cut short"),
        (SHA, b"", ""),
        (SHA, b"abc", ""),
        (SHA, None, "x" * 201),
    ],
)
def test_a_row_that_is_no_verdict_is_refused(
    store: CatalogStore, row: tuple[str, bytes | None, str]
) -> None:
    with pytest.raises(InvalidArgument):
        store.vectors.put("enc", [(SHAS[0], VECTOR, ""), row])
    assert store.vectors.get("enc", SHAS[:1]) == {}


def test_a_photo_has_one_holder_at_a_time(store: CatalogStore) -> None:
    assert store.vectors.claim("enc", SHAS[:3], holder="a") == SHAS[:3]
    assert store.vectors.claim("enc", SHAS[:4], holder="b") == [SHAS[3]]
    assert store.vectors.claim("other", SHAS[:1], holder="b") == SHAS[:1]
    assert store.vectors.claim("enc", SHAS[:4], holder="a") == SHAS[:3]


def test_what_is_embedded_is_not_claimed(store: CatalogStore) -> None:
    store.vectors.claim("enc", SHAS[:2], holder="a")
    store.vectors.put("enc", [(SHAS[0], VECTOR, ""), (SHAS[1], None, "cut short")])
    assert store.vectors.claim("enc", SHAS[:3], holder="b") == [SHAS[2]]


def test_what_is_given_back_may_be_claimed_but_by_its_holder_only(store: CatalogStore) -> None:
    store.vectors.claim("enc", SHAS[:2], holder="a")
    store.vectors.release("enc", SHAS[:2], holder="b")
    assert store.vectors.claim("enc", SHAS[:2], holder="b") == []
    store.vectors.release("enc", SHAS[:1], holder="a")
    assert store.vectors.claim("enc", SHAS[:2], holder="b") == SHAS[:1]


def test_a_lease_that_ran_out_is_taken_over(store: CatalogStore) -> None:
    store.vectors.claim("enc", SHAS[:2], holder="dead")
    expire_claims(store)
    assert store.vectors.claim("enc", SHAS[:2], holder="heir") == SHAS[:2]
    assert store.vectors.claim("enc", SHAS[:2], holder="dead") == []


def test_a_lease_is_a_matter_of_the_databases_time(store: CatalogStore) -> None:
    assert store.vectors.claim("enc", [SHA], holder="a", lease_s=-1) == [SHA]
    assert store.vectors.claim("enc", [SHA], holder="b", lease_s=3600) == [SHA]
    assert store.vectors.claim("enc", [SHA], holder="c") == []


def test_of_many_who_want_the_same_photos_each_gets_some_once(store: CatalogStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        parts = list(
            threads.map(lambda n: store.vectors.claim("enc", SHAS, holder=f"h-{n}"), range(8))
        )
    assert sorted(sha for part in parts for sha in part) == SHAS


def test_whoever_looks_for_pending_photos_reads_no_others(tmp_path: Path) -> None:
    plans: list[str] = []

    def explain(
        connection: Connection, _: object, statement: str, given: Any, *rest: object
    ) -> None:
        if not statement.startswith("EXPLAIN"):
            told = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
            plans.extend(row[-1] for row in told)

    # PostgreSQL scans a small table whatever indexes it has.
    with closing(CatalogStore.open(f"sqlite:///{tmp_path}/it.sqlite", create=True)) as store:
        event.listen(store.reader, "before_cursor_execute", explain)
        store.pending_photos("enc", 10)
    assert any("USING INDEX products_pending" in plan for plan in plans)


def test_pending_products_come_by_age_without_those_that_somebody_embeds(
    store: CatalogStore,
) -> None:
    store.upsert([FULL])
    assert [p.id for p in store.pending_photos("enc", 10)] == ["007"]
    assert store.pending_photos("enc", 0) == []
    store.vectors.claim("enc", [SHA], holder="a")
    assert store.pending_photos("enc", 10) == []
    assert [p.id for p in store.pending_photos("other", 10)] == ["007"]
    expire_claims(store)
    assert [p.id for p in store.pending_photos("enc", 10)] == ["007"]
    store.set_image_state({"007": "embedded"})
    assert store.pending_photos("enc", 10) == []
