"""Embeds each photo once, and keeps its vector for the next build."""

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from catalog.media import THUMBNAIL_WIDTHS, MediaStore
from offline.progress import progress
from services.image_retriever.decode import PhotoDecoder, Pixels, UndecodablePhoto
from services.image_retriever.decode_bulk import bulk_decoder, each_photo
from services.image_retriever.encoder import Encoder

Vectors = NDArray[np.float32]
_BATCH = 32
_KEEP_EVERY = 4096
_SHA_BYTES = 32


@dataclass(slots=True)
class PhotoVectors:
    """Unit vectors float32 ``[dim]`` by photo hash, and why other photos have none."""

    vectors: dict[str, Vectors] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


class VectorCache:
    """A file of photo vectors for each encoder, so that a rebuild embeds only new photos.

    Args:
        folder: Where the files lie.
        fingerprint: Of the encoder.
        dim: Length of its vectors.
    """

    def __init__(self, folder: Path, fingerprint: str, dim: int) -> None:
        self._path = folder / f"{fingerprint[:32]}.npz"
        self._dim = dim

    def read(self) -> dict[str, Vectors]:
        """Returns the vectors by photo hash; a damaged file counts as none, it is only a cache."""
        try:
            with np.load(self._path, allow_pickle=False) as kept:
                shas, vectors = kept["shas"], kept["vectors"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return {}
        if vectors.shape != (len(shas), self._dim) or not np.isfinite(vectors).all():
            return {}
        return {bytes(sha).hex(): vector for sha, vector in zip(shas, vectors, strict=True)}

    def write(self, vectors: Mapping[str, Vectors]) -> None:
        """Replaces the file as one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        shas = np.frombuffer(bytes.fromhex("".join(vectors)), np.uint8).reshape(-1, _SHA_BYTES)
        rows = np.stack(list(vectors.values())) if vectors else np.zeros((0, self._dim), np.float32)
        scratch = self._path.with_suffix(".new.npz")
        np.savez(scratch, shas=shas, vectors=rows)
        scratch.replace(self._path)


def embed_photos(
    shas: Iterable[str], media: MediaStore, encoder: Encoder, cache: VectorCache, *, workers: int
) -> PhotoVectors:
    """Returns the vectors of photos, embedding those that the cache lacks.

    Each new photo gets its thumbnails too. What was embedded is kept even when the program is
    interrupted.
    """
    wanted = list(dict.fromkeys(shas))
    kept = cache.read()
    made = PhotoVectors({sha: kept[sha] for sha in wanted if sha in kept})
    new = [sha for sha in wanted if sha not in kept]
    if not new:
        return made
    decoder, kept_at = bulk_decoder(workers), len(made.vectors)
    try:
        with progress("Embedding photos", len(new)) as shown, _one_thread_a_pass():
            for done in _embedded(_Desk(media, encoder, decoder, workers), new, made):
                shown.advance(done)
                if len(made.vectors) - kept_at >= _KEEP_EVERY:
                    cache.write({**kept, **made.vectors})
                    kept_at = len(made.vectors)
    finally:
        decoder.close()
        if len(made.vectors) > kept_at:
            cache.write({**kept, **made.vectors})
    return made


@dataclass(frozen=True, slots=True)
class _Desk:
    """What photos are embedded with."""

    media: MediaStore
    encoder: Encoder
    decoder: PhotoDecoder
    workers: int


def _embedded(desk: _Desk, shas: Sequence[str], made: PhotoVectors) -> Iterator[int]:
    """Fills ``made`` and yields how many photos were done."""
    passes = each_photo(
        lambda batch: desk.encoder.encode_photos([pixels for _, pixels in batch]),
        _batches(desk, shas, made),
        workers=desk.workers,
    )
    for batch, rows in passes:
        if isinstance(rows, UndecodablePhoto):
            raise rows  # an encoder decodes nothing, so this is a bug
        made.vectors.update((sha, row) for (sha, _), row in zip(batch, rows, strict=True))
        yield len(batch)


def _batches(
    desk: _Desk, shas: Sequence[str], made: PhotoVectors
) -> Iterator[list[tuple[str, Pixels]]]:
    """Yields decoded photos in batches, and notes those that are refused."""
    batch: list[tuple[str, Pixels]] = []
    photos = each_photo(lambda sha: _prepared(sha, desk), shas, workers=desk.workers)
    for sha, pixels in photos:
        if isinstance(pixels, UndecodablePhoto):
            made.refused[sha] = pixels.reason
        else:
            batch.append((sha, pixels))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _one_thread_a_pass() -> Iterator[None]:
    """Lets each forward pass keep to one core, since several run at the same time.

    Threads within a pass wait for each other at every layer: on a machine that does anything
    else they are three times slower than passes side by side.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _prepared(sha: str, desk: _Desk) -> Pixels:
    """Decodes a photo for the encoder, and keeps thumbnails where the photo is larger."""
    media, decoder = desk.media, desk.decoder
    data = media.get(sha)
    if data is None:
        raise UndecodablePhoto("missing", "the photo is not in the media store")
    pixels, width = decoder.decode_measured(data, size=desk.encoder.image_size)
    for narrower in THUMBNAIL_WIDTHS:
        if width > narrower and media.path(sha, narrower) is None:
            media.put_thumbnail(sha, narrower, decoder.thumbnail(data, width=narrower).payload)
    return pixels
