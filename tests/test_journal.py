"""Promises of what the store keeps of shoppers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from catalog.interaction import Interaction
from catalog.store import CatalogStore
from runtime.errors import InvalidArgument

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def event(number: int, user: str = "u-1", kind: str = "view") -> Interaction:
    at = NOON + timedelta(seconds=number)
    return Interaction(f"e-{number:04d}", user, "p-0001", kind, at)


def test_an_event_is_kept_once_however_often_it_comes(store: CatalogStore) -> None:
    assert store.add_interactions([event(1), event(2), event(1)]) == 2
    assert store.add_interactions([event(2), event(3)]) == 1
    assert store.add_interactions([]) == 0
    assert [e.event_id for e in store.interactions()] == ["e-0001", "e-0002", "e-0003"]
    assert store.seq() == 0


def test_events_come_back_by_time_over_all_pages_as_they_went_in(store: CatalogStore) -> None:
    full = Interaction("e", "u-2", "007", "rating", NOON, 1.0, verified=True, helpful_votes=3)
    search = Interaction("s", "u-2", "", "search", NOON - timedelta(1), text="red dress")
    many = [event(n, kind="view" if n % 2 else "cart") for n in range(4500)]
    store.add_interactions([*reversed(many), full, search])
    assert list(store.interactions())[:3] == [search, full, many[0]]
    assert len(list(store.interactions())) == 4502
    assert list(store.interactions(kinds=["rating", "search"])) == [search, full]
    assert len(list(store.interactions(kinds=["cart"]))) == 2250
    assert store.history("u-1", 2) == many[-2:]
    assert store.history("nobody", 5) == []


def test_the_digest_of_events_moves_with_them(store: CatalogStore) -> None:
    empty = store.interactions_digest()
    store.add_interactions([event(1)])
    one = store.interactions_digest()
    store.add_interactions([event(1)])
    assert empty != one == store.interactions_digest()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "glance"},
        {"at": NOON.replace(tzinfo=None)},
        {"value": 6.0},
        {"value": float("nan")},
        {"kind": "rating", "value": None},
        {"product_id": ""},
        {"user_id": "u\n"},
        {"text": "\ud800"},
        {"helpful_votes": -1},
    ],
    ids=str,
)
def test_an_event_over_a_limit_is_refused(store: CatalogStore, change: dict[str, object]) -> None:
    bad = replace(event(2), **change)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidArgument):
        store.add_interactions([event(1), bad])
    assert list(store.interactions()) == []
