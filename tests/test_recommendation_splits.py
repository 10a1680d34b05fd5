"""What is held out was never learned from."""

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from offline.models.contract import ProductSide
from offline.recommendations.event_log import Entries, EventLog, Flags, sequences
from offline.recommendations.readers import read_split
from offline.recommendations.splits import (
    Split,
    cold_items,
    core,
    global_time,
    last_k,
    leave_last_out,
)
from runtime.errors import SetupError

VIEW, TAKE = False, True


def log_of(
    *events: tuple[int, int, int, bool],
    users: int = 3,
    products: int = 6,
    side: ProductSide | None = None,
    days: list[float | None] | None = None,
) -> EventLog:
    """A log of (moment, user, product, taken); each event weighs 1, whatever the ``days``."""
    rows = sorted(events)
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    at, who, what, taken = columns

    def weigh(known: Flags, now: float | None) -> Entries:
        pairs, counts = np.unique(
            np.column_stack([who[known], what[known]]), axis=0, return_counts=True
        )
        last = [at[known & (who == user) & (what == product)].max() for user, product in pairs]
        if days is not None:
            days.append(now)
        return Entries(pairs[:, 0], pairs[:, 1], counts.astype(np.float32), np.array(last, float))

    return EventLog(
        who.astype(np.intp), what.astype(np.intp), at.astype(float), taken.astype(bool),
        tuple(f"u{row}" for row in range(users)), tuple(f"p{row}" for row in range(products)),
        weigh, side,
    )  # fmt: skip


def held(split: Split) -> dict[int, set[int]]:
    """What each user is asked for."""
    return {
        int(user): set(split.relevant[row].indices.tolist()) for row, user in enumerate(split.users)
    }


def learned(split: Split, user: int) -> set[int]:
    """What is learned from of a user."""
    return set(split.training.confidences[user].indices.tolist())


LOG = log_of(
    (1, 0, 0, TAKE), (2, 0, 1, VIEW), (3, 0, 2, TAKE), (4, 0, 3, VIEW), (5, 0, 0, TAKE),
    (1, 1, 4, TAKE), (9, 1, 1, TAKE),
    (2, 2, 5, VIEW),
)  # fmt: skip


def test_the_last_new_product_that_was_taken_is_left_out_with_all_that_came_after() -> None:
    split = leave_last_out(LOG)
    assert held(split) == {0: {2}, 1: {1}}
    assert learned(split, 0) == {0, 1}
    assert split.training.confidences[0, 0] == 1.0, "the second purchase came after the cut"
    assert learned(split, 1) == {4}
    assert learned(split, 2) == {5}, "who took nothing is learned from and not asked for"


def test_the_last_k_are_left_out_of_those_who_took_as_many() -> None:
    split = last_k(LOG, count=2)
    assert held(split) == {0: {0, 2}, 1: {1, 4}}
    assert learned(split, 0) == learned(split, 1) == set()
    with pytest.raises(SetupError, match="held out"):
        last_k(LOG, count=3)


def test_a_moment_splits_everybody_and_what_was_met_before_is_not_asked_for() -> None:
    split = global_time(LOG, share=0.75)
    assert held(split) == {1: {1}}, "user 0 had met everything; 2 to 5 are known by moment 3"
    assert learned(split, 0) == {0, 1, 2}
    last = split.training.last
    assert last is not None
    assert last.max() <= 3.0


def test_a_split_by_a_moment_is_judged_from_it_and_others_from_each_users_last_event() -> None:
    days: list[float | None] = []
    log = log_of((0, 0, 0, TAKE), (4, 0, 1, TAKE), (8, 0, 2, TAKE), (8, 1, 0, TAKE), days=days)
    global_time(log, share=0.25)
    leave_last_out(log)
    core(log_of((0, 0, 0, TAKE), (8, 0, 1, TAKE), days=days), minimum=1).training(
        np.ones(2, bool), now=7.0
    )
    assert days == [6.0, None, 7.0]


def test_no_split_learns_from_what_it_asks() -> None:
    rng = np.random.default_rng(1)
    events = [
        (int(at), int(rng.integers(20)), int(rng.integers(30)), bool(rng.random() < 0.4))
        for at in range(600)
    ]
    log = log_of(*events, users=20, products=30)
    for split in (
        leave_last_out(log), last_k(log, count=3), global_time(log, share=0.3),
        cold_items(log, share=0.3),
    ):  # fmt: skip
        assert split.relevant.getnnz(axis=1).min() >= 1
        for row, user in enumerate(split.users):
            asked = set(split.relevant[row].indices.tolist())
            assert not asked & learned(split, int(user))
            assert split.candidates[list(asked)].all()


def test_hidden_products_have_no_event_and_stand_among_themselves() -> None:
    split = cold_items(LOG, share=0.5, seed=2)
    assert split.candidates.sum() == 3
    hidden = np.flatnonzero(split.candidates)
    assert split.training.confidences[:, hidden].nnz == 0


def test_variants_of_a_style_are_hidden_together() -> None:
    styles = np.array([0, 0, 1, 1, 2, 2])
    side = ProductSide(np.zeros((6, 2), np.float32), sparse.csr_matrix((6, 3)), styles, styles)
    events = [(at, at % 3, at % 6, TAKE) for at in range(18)]
    split = cold_items(log_of(*events, side=side), share=0.34)
    assert split.candidates.sum() == 2
    assert len(set(styles[split.candidates])) == 1


def test_the_core_is_taken_until_nobody_is_left_out() -> None:
    # User 2 keeps product 2 alive, and is left out for having one product only.
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (1, 2)]
    users, products = np.array(pairs, np.intp).T
    kept = core(sequences(users, products, user_count=3, product_count=3), minimum=2)
    assert kept.user_ids == ("0", "1")
    assert kept.product_ids == ("0", "1")
    split = leave_last_out(kept)
    assert split.training.confidences.toarray().tolist() == [[1, 0], [1, 0]]
    with pytest.raises(SetupError, match="no user is left"):
        core(kept, minimum=3)


def test_a_part_of_a_log_weighs_as_the_whole_does() -> None:
    part = LOG.part(np.array([1, 0]), np.array([0, 1, 2]))
    known = part.training(np.ones(len(part.users), bool))
    assert known.confidences.toarray().tolist() == [[0, 1, 0], [2, 1, 1]]


def test_the_published_splits_are_read(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("0\t1\n0\t2\n1\t2\n")
    (tmp_path / "test_negatives.tsv").write_text("0\t3\t0\t4\n1\t2\t0\t4\n")
    split = read_split(tmp_path, "given")
    assert held(split) == {0: {3}}, "what is learned from is not asked for"
    assert split.negatives is not None
    assert split.negatives.tolist() == [[0, 4]]
    with pytest.raises(SetupError, match="split by given"):
        read_split(tmp_path, "p10")


def test_lists_of_users_are_read(tmp_path: Path) -> None:
    for per_user in (1, 10):
        (tmp_path / f"cf-train-{per_user}-users.dat").write_text("1 4\n2 0 1\n0\n")
        (tmp_path / f"cf-test-{per_user}-users.dat").write_text("2 0 5\n0\n1 3\n")
    split = read_split(tmp_path, "p10")
    assert split.name == "p10"
    assert held(split) == {0: {0, 5}, 2: {3}}
    assert learned(split, 1) == {0, 1}
    assert learned(split, 2) == set()
    (tmp_path / "cf-test-1-users.dat").write_text("3 0 5\n0\n1 3\n")
    with pytest.raises(SetupError, match="as many products"):
        read_split(tmp_path, "p1")


def test_sequences_are_read_and_split_by_their_order(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("0 4 1\n1 2\n")
    (tmp_path / "test.txt").write_text("0 4 1 3\n1 2 0\n")
    assert held(read_split(tmp_path, "leave-last-out")) == {0: {3}, 1: {0}}
    assert held(read_split(tmp_path, "last-k", last=2)) == {0: {1, 3}, 1: {2, 0}}
    (tmp_path / "test.txt").write_text("0 1 4 3\n1 2 0\n")
    with pytest.raises(SetupError, match="does not go on"):
        read_split(tmp_path, "leave-last-out")
