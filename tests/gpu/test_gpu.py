"""Promises of the image stage on a GPU: the answers of the processor, and a calm end of memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from runtime.errors import Overloaded
from services.image_retriever.architecture import Architecture, Preprocessing, Trained
from services.image_retriever.batcher import BatchSettings, EncodeBatcher
from services.image_retriever.encoder import Encoder, open_encoder
from services.image_retriever.exact import ExactRows
from services.image_retriever.gpu_index import FirstRows, GpuRows
from services.image_retriever.index import VectorIndex
from services.image_retriever.question import Kinds, Likeness, Reorder
from services.image_retriever.tokenizer import WordTokenizer
from services.image_retriever.view import VectorView

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available(),
        reason="NO GPU: torch sees no CUDA device, so nothing of the GPU path was checked",
    ),
]
has_faiss_gpu = pytest.mark.skipif(
    not hasattr(faiss, "StandardGpuResources"),
    reason="NO FAISS ON GPU: this faiss was built for the processor; install faiss-gpu",
)
WORDS = ["red", "blue", "green", "dress", "jeans", "shirt", "striped", "wool"]
Vectors = NDArray[np.float32]


def rows(count: int, dim: int = 256, seed: int = 0) -> Vectors:
    drawn = np.random.default_rng(seed).standard_normal((count, dim), dtype=np.float32)
    unit: Vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    write_encoder(folder, size=64)
    return folder


def write_encoder(folder: Path, *, size: int) -> None:
    """Writes an encoder with random weights for photos of ``size`` pixels."""
    torch.manual_seed(0)
    tokenizer = WordTokenizer(WORDS)
    architecture = Architecture(dim=64, width=64, heads=2, layers=2)
    model = architecture.build(tokenizer, size)
    Trained(model, tokenizer, architecture, Preprocessing(image_size=size)).write(folder)


def photos(count: int, size: int) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (size, size, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_encoder_answers_as_on_the_processor(folder: Path, precision: str) -> None:
    here = open_encoder(folder, device="cpu", precision="fp32")
    there = open_encoder(folder, device="cuda", precision=precision)
    assert there.fingerprint == here.fingerprint
    texts = ["red dress", "blue striped shirt", "wool", "zzzz"]
    expected, known = here.encode_texts(texts)
    found, known_there = there.encode_texts(texts)
    assert known.tolist() == known_there.tolist() == [True, True, True, False]
    assert (np.sum(expected * found, axis=1)[:3] > 0.995).all()
    looks = photos(40, 64)
    cosines = np.sum(here.encode_photos(looks) * there.encode_photos(looks), axis=1)
    assert (cosines > 0.995).all()


@pytest.mark.parametrize("count", [3_000, 30_000])
def test_the_index_finds_what_the_processor_finds(tmp_path: Path, count: int) -> None:
    ids, vectors = [f"p-{n:06d}" for n in range(count)], rows(count)
    VectorIndex.write(ids, vectors, tmp_path, fingerprint="f", floors={"text": None})
    there = VectorIndex.open(tmp_path, device="cuda")
    kept = np.load(tmp_path / "vectors.npy").astype(np.float32)
    queries = rows(64, seed=2)
    exact = ExactRows(kept)
    for start in (0, 32):
        part = queries[start : start + 32]
        for query, found in zip(part, there.search(part, 50), strict=True):
            (candidates,), _ = exact.candidates(query[None], 50, None)
            scores = np.sort(kept[candidates].astype(np.float64) @ query.astype(np.float64))[::-1]
            assert np.allclose(found.scores, scores[:50], atol=1e-6)
            assert len(set(found.ids)) == 50


def test_exclusions_and_floors_hold_on_the_gpu(tmp_path: Path) -> None:
    ids, vectors = [f"p-{n:04d}" for n in range(2_000)], rows(2_000)
    VectorIndex.write(ids, vectors, tmp_path, fingerprint="f", floors={})
    here, there = VectorIndex.open(tmp_path), VectorIndex.open(tmp_path, device="cuda")
    queries = rows(4, seed=3)
    barred = [found.ids[:20] for found in here.search(queries, 20)]
    floor = [0.1, None, 0.2, 2.0]
    expected = here.search(queries, 100, floor=floor, excluded=barred)
    for one, other in zip(
        expected, there.search(queries, 100, floor=floor, excluded=barred), strict=True
    ):
        assert one.ids == other.ids
        assert np.array_equal(one.scores, other.scores)


@has_faiss_gpu
def test_faiss_searches_where_it_can() -> None:
    vectors, queries = rows(10_000), rows(8, seed=4)
    nearest = GpuRows(vectors, "cuda")
    assert nearest.engine == "faiss"
    exact = [np.argsort(-(vectors @ query))[:50] for query in queries]
    candidates = nearest.candidates(queries, 50, None, len(vectors))
    for found, wanted in zip(candidates, exact, strict=True):
        assert set(wanted.tolist()) <= set(found.tolist())


def test_filters_and_tombstones_hold_on_the_gpu() -> None:
    """Masked top-k: what the classic indexes of faiss would pass over without a word."""
    vectors = rows(30_000)
    gpu = GpuRows(vectors[:20_000], "cuda")
    gpu.write(20_000, vectors[20_000:])
    ids = [f"p-{n:06d}" for n in range(30_000)]
    alive = np.random.default_rng(1).random(30_000) > 0.08
    here = VectorView(ids, vectors, ExactRows(vectors), alive)
    there = VectorView(ids, vectors, FirstRows(gpu, 30_000), alive)
    for share in (0.5, 0.1, 0.01, 0.001, 0.0):
        mask = alive & (np.random.default_rng(2).random(30_000) < share)
        for query in rows(8, seed=7):
            (one,) = here.search(query[None], 50, allowed=[mask])
            (other,) = there.search(query[None], 50, allowed=[mask])
            assert one.ids == other.ids
            (open_,) = there.search(query[None], 50)
            assert all(alive[int(key[2:])] for key in open_.ids)
            assert len(open_.ids) == 50


def test_orders_look_alikes_and_kinds_hold_on_the_gpu() -> None:
    vectors = rows(20_000)
    ids = [f"p-{n:06d}" for n in range(20_000)]
    here = VectorView(ids, vectors, ExactRows(vectors))
    there = VectorView(ids, vectors, FirstRows(GpuRows(vectors, "cuda"), 20_000))
    kinds = np.random.default_rng(5).integers(0, 6, 20_000).astype(np.int32)
    for query, order in zip(rows(6, seed=8), rows(6, seed=9), strict=True):
        example = vectors[int(np.argmax(vectors @ query))][None]
        likeness = Likeness(example, float(np.sort(vectors @ example[0])[-300]))
        reorder = Reorder(order, 5_000, Kinds(query[None], lambda picked: kinds[picked]))
        one, other = (
            view.search(query[None], 100, unlike=[likeness], reorder=[reorder])[0]
            for view in (here, there)
        )
        # Half precision may change which row is the last of 5,000 candidates, no more.
        assert len(set(one.ids) & set(other.ids)) >= 99
        (plain,) = there.search(query[None], 200, unlike=[likeness])
        assert plain.ids == here.search(query[None], 200, unlike=[likeness])[0].ids


def test_rows_are_overwritten_in_place_while_others_search() -> None:
    """Spare rows take what comes; a view of before never sees them."""
    vectors = rows(40_000)
    gpu = GpuRows(vectors[:36_000], "cuda")
    room = gpu.capacity
    before = FirstRows(gpu, 36_000)
    queries = rows(4, seed=8)
    stop = threading.Event()
    problems: list[NDArray[np.int64]] = []

    def search() -> None:
        while not stop.is_set():
            for found in before.candidates(queries, 50, None)[0]:
                if found.max() >= 36_000:
                    problems.append(found)

    searcher = threading.Thread(target=search)
    searcher.start()
    for start in range(36_000, 40_000, 100):
        gpu.write(start, vectors[start : start + 100])
    stop.set()
    searcher.join()
    assert not problems
    assert gpu.capacity == room
    (found,), _ = FirstRows(gpu, 40_000).candidates(vectors[39_999:], 1, None)
    assert 39_999 in found.tolist()


@contextmanager
def memory_left(mebibytes: int) -> Iterator[None]:
    """Leaves torch so much memory beyond what it holds now."""
    torch.cuda.empty_cache()
    _, total = torch.cuda.mem_get_info()
    fraction = (torch.cuda.memory_reserved() + (mebibytes << 20)) / total
    torch.cuda.set_per_process_memory_fraction(fraction)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()


def test_a_search_without_memory_is_refused_and_the_next_is_answered() -> None:
    nearest = FirstRows(GpuRows(rows(400_000, dim=64), "cuda"), 400_000)
    # Beyond what faiss takes by itself, so that torch's limit is the one that is met.
    queries, count = rows(64, dim=64, seed=5), 4_000
    before, _ = nearest.candidates(queries[:1], count, None)
    with memory_left(4), pytest.raises(Overloaded):
        nearest.candidates(queries, count, None)
    after, _ = nearest.candidates(queries[:1], count, None)
    assert set(before[0].tolist()) == set(after[0].tolist())


def test_encoding_without_memory_is_refused_and_the_next_is_encoded(tmp_path: Path) -> None:
    # Sixteen photos of this size need more than any block that the allocator has left over.
    write_encoder(tmp_path, size=384)
    encoder: Encoder = open_encoder(tmp_path, device="cuda")
    looks = photos(32, 384)
    sizes: list[int] = []
    exhausted = (MemoryError, torch.OutOfMemoryError)
    batcher = EncodeBatcher(BatchSettings(exhausted=exhausted, on_batch=sizes.append))
    forever = float("inf")
    try:
        assert batcher.photo(encoder, looks[0], deadline=forever).result(60) is not None
        sizes.clear()
        with memory_left(0):
            with batcher.together():
                futures = [batcher.photo(encoder, each, deadline=forever) for each in looks]
            for future in futures:
                with pytest.raises(Overloaded):
                    future.result(60)
        assert sizes == [32, 16, 16]
        assert batcher.photo(encoder, looks[0], deadline=forever).result(60) is not None
    finally:
        batcher.close()
