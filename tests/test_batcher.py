"""Promises of the batcher: one pass for many, nobody waits for nothing, nobody pays for another."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.errors import DeadlineExceeded, Overloaded, Unavailable
from services.image_retriever.batcher import BatchSettings, EncodeBatcher

FOREVER = float("inf")


class GatedEncoder:
    """Encodes a text to the code of its first letter; may be held, and chokes where told to."""

    fingerprint = "gated"
    dim = 2
    image_size = 4

    def __init__(self, chokes: Callable[[Sequence[str]], Exception | None] | None = None) -> None:
        self.passes: list[list[str]] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self._chokes = chokes or (lambda _: None)

    def encode_texts(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        self.passes.append(list(texts))
        self.entered.release()
        assert self.gate.wait(30)
        if error := self._chokes(texts):
            raise error
        rows = np.array([[ord(text[0]), 0] for text in texts], np.float32)
        return rows, np.array([text != "zzzz" for text in texts])

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        self.passes.append([f"photo {photo[0, 0, 0]}" for photo in photos])
        return np.array([[photo[0, 0, 0], 1] for photo in photos], np.float32)


@contextmanager
def batching(settings: BatchSettings | None = None) -> Iterator[EncodeBatcher]:
    batcher = EncodeBatcher(settings or BatchSettings())
    try:
        yield batcher
    finally:
        batcher.close()


def test_an_idle_encoder_starts_at_once_and_a_busy_one_gathers() -> None:
    encoder, sizes = GatedEncoder(), list[int]()
    with batching(BatchSettings(on_batch=sizes.append)) as batcher:
        encoder.gate.clear()
        first = batcher.text(encoder, "a", deadline=FOREVER)
        assert encoder.entered.acquire(timeout=30)
        rest = [batcher.text(encoder, letter, deadline=FOREVER) for letter in "bcdef"]
        encoder.gate.set()
        assert first.result(30) is not None
        vectors = [future.result(30) for future in rest]
    assert encoder.passes == [["a"], list("bcdef")]
    assert sizes == [1, 5]
    assert [float(vector[0]) for vector in vectors if vector is not None] == list(b"bcdef")


def test_items_queued_together_share_a_pass() -> None:
    encoder = GatedEncoder()
    with batching() as batcher:
        with batcher.together():
            futures = [batcher.text(encoder, letter, deadline=FOREVER) for letter in "abcd"]
        for future in futures:
            future.result(30)
    assert encoder.passes == [list("abcd")]


def test_a_pass_has_a_most() -> None:
    encoder = GatedEncoder()
    with batching(BatchSettings(most=4)) as batcher:
        encoder.gate.clear()
        futures = [batcher.text(encoder, "a", deadline=FOREVER)]
        assert encoder.entered.acquire(timeout=30)
        futures += [batcher.text(encoder, letter, deadline=FOREVER) for letter in "bcdefghij"]
        encoder.gate.set()
        for future in futures:
            future.result(30)
    assert [len(texts) for texts in encoder.passes] == [1, 4, 4, 1]


def test_a_text_without_a_known_word_has_no_vector() -> None:
    with batching() as batcher:
        assert batcher.text(GatedEncoder(), "zzzz", deadline=FOREVER).result(30) is None


def test_photos_and_texts_go_in_passes_of_their_own() -> None:
    encoder = GatedEncoder()
    with batching() as batcher:
        encoder.gate.clear()
        batcher.text(encoder, "x", deadline=FOREVER)
        assert encoder.entered.acquire(timeout=30)
        photos = [
            batcher.photo(encoder, np.full((4, 4, 3), n, np.uint8), deadline=FOREVER)
            for n in (3, 5)
        ]
        text = batcher.text(encoder, "y", deadline=FOREVER)
        encoder.gate.set()
        assert [future.result(30) is not None for future in (*photos, text)] == [True] * 3
    assert sorted(encoder.passes[1:]) == [["photo 3", "photo 5"], ["y"]]


def test_encoders_never_share_a_pass() -> None:
    one, other = GatedEncoder(), GatedEncoder()
    with batching() as batcher:
        one.gate.clear()
        batcher.text(one, "x", deadline=FOREVER)
        assert one.entered.acquire(timeout=30)
        mine = batcher.text(one, "a", deadline=FOREVER)
        theirs = batcher.text(other, "b", deadline=FOREVER)
        one.gate.set()
        mine.result(30)
        theirs.result(30)
    assert one.passes == [["x"], ["a"]]
    assert other.passes == [["b"]]


def test_an_item_past_its_deadline_is_not_encoded() -> None:
    encoder = GatedEncoder()
    now = 100.0
    batcher = EncodeBatcher(clock=lambda: now)
    try:
        encoder.gate.clear()
        first = batcher.text(encoder, "a", deadline=101.0)
        assert encoder.entered.acquire(timeout=30)
        late = batcher.text(encoder, "b", deadline=102.0)
        still = batcher.text(encoder, "c", deadline=104.0)
        now = 103.0
        encoder.gate.set()
        assert first.result(30) is not None
        with pytest.raises(DeadlineExceeded):
            late.result(30)
        assert still.result(30) is not None
    finally:
        batcher.close()
    assert encoder.passes == [["a"], ["c"]]


def test_a_cancelled_item_is_not_encoded() -> None:
    encoder = GatedEncoder()
    with batching() as batcher:
        encoder.gate.clear()
        first = batcher.text(encoder, "a", deadline=FOREVER)
        assert encoder.entered.acquire(timeout=30)
        gone = batcher.text(encoder, "b", deadline=FOREVER)
        stays = batcher.text(encoder, "c", deadline=FOREVER)
        assert gone.cancel()
        encoder.gate.set()
        first.result(30)
        stays.result(30)
    assert encoder.passes == [["a"], ["c"]]


def test_one_bad_item_does_not_fail_its_batch() -> None:
    encoder = GatedEncoder(lambda texts: ValueError("bad") if "bad" in texts else None)
    with batching() as batcher:
        encoder.gate.clear()
        batcher.text(encoder, "a", deadline=FOREVER)
        assert encoder.entered.acquire(timeout=30)
        futures = [batcher.text(encoder, text, deadline=FOREVER) for text in ("b", "bad", "c")]
        encoder.gate.set()
        assert futures[0].result(30) is not None
        assert futures[2].result(30) is not None
        with pytest.raises(ValueError, match="bad"):
            futures[1].result(30)


def test_out_of_memory_halves_the_batch_once_then_refuses() -> None:
    def chokes(texts: Sequence[str]) -> Exception | None:
        return MemoryError() if len(texts) > 2 or "huge" in texts else None

    encoder = GatedEncoder(chokes)
    with batching() as batcher:
        encoder.gate.clear()
        batcher.text(encoder, "x", deadline=FOREVER)
        assert encoder.entered.acquire(timeout=30)
        words = ["a", "b", "huge", "c"]
        futures = [batcher.text(encoder, word, deadline=FOREVER) for word in words]
        encoder.gate.set()
        assert futures[0].result(30) is not None
        assert futures[1].result(30) is not None
        for future in futures[2:]:
            with pytest.raises(Overloaded):
                future.result(30)
        assert batcher.text(encoder, "alive", deadline=FOREVER).result(30) is not None
    assert encoder.passes[1:4] == [words, ["a", "b"], ["huge", "c"]]


def test_a_full_queue_refuses() -> None:
    encoder = GatedEncoder()
    with batching(BatchSettings(queue=2)) as batcher:
        encoder.gate.clear()
        first = batcher.text(encoder, "a", deadline=FOREVER)
        assert encoder.entered.acquire(timeout=30)
        rest = [batcher.text(encoder, letter, deadline=FOREVER) for letter in "bc"]
        with pytest.raises(Overloaded):
            batcher.text(encoder, "d", deadline=FOREVER)
        encoder.gate.set()
        for future in (first, *rest):
            assert future.result(30) is not None


def test_closing_fails_what_waits() -> None:
    encoder = GatedEncoder()
    batcher = EncodeBatcher()
    encoder.gate.clear()
    first = batcher.text(encoder, "a", deadline=FOREVER)
    assert encoder.entered.acquire(timeout=30)
    waits = batcher.text(encoder, "b", deadline=FOREVER)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    with pytest.raises(Unavailable):
        waits.result(30)
    encoder.gate.set()
    closing.join(30)
    assert first.result(30) is not None
    with pytest.raises(Unavailable):
        batcher.text(encoder, "c", deadline=FOREVER)
