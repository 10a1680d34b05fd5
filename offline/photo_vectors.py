"""Embeds the photos of a catalogue that have no vector yet, each once in the whole system."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from catalog.media import MediaStore
from catalog.store import CatalogStore
from services.image_retriever.decode import PhotoDecoder, Pixels, UndecodablePhoto
from services.image_retriever.decode_bulk import bulk_decoder, each_photo
from services.image_retriever.embedder import first_usable
from services.image_retriever.encoder import Encoder
from services.image_retriever.prepare import MISSING, prepared

Vectors = NDArray[np.float32]
_VECTOR = np.dtype("<f4")
_BATCH = 32  # photos of one forward pass
_CLAIMED = 128  # photos claimed at a time
_LEASE_S = 120.0
_PAUSE_S = 0.03  # after each commit, in which the writes of others get their turn
_OTHERS_S = 0.5  # between looks at what others have claimed

_Row = tuple[str, bytes | None, str]


class PhotoDesk:
    """Embeds photos in bulk, with as many decoders and passes side by side as it has workers.

    Args:
        store: The catalogue, which keeps the vectors.
        media: Its photos.
        fingerprint: Of the encoder.
        encoder: Returns the encoder; asked only when there is something to encode.
        workers: Processes that decode, and passes that run side by side.
    """

    def __init__(
        self,
        store: CatalogStore,
        media: MediaStore,
        *,
        fingerprint: str,
        encoder: Callable[[], Encoder],
        workers: int,
    ) -> None:
        self._vectors = store.vectors
        self._media = media
        self._fingerprint = fingerprint
        self._encoder = encoder
        self._workers = workers
        self._holder = f"build-{secrets.token_hex(8)}"
        self._decoder: PhotoDecoder | None = None
        self._looked_at = 0

    @property
    def looked_at(self) -> int:
        """Photos that this desk gave a verdict to; not those that had one."""
        return self._looked_at

    def close(self) -> None:
        """Ends the decoders."""
        if self._decoder is not None:
            self._decoder.close()

    def embed(self, images: Sequence[tuple[str, ...]]) -> dict[str, bool]:
        """Gives a verdict to the photos of some products, up to the first usable one of each.

        What was embedded is kept even when the program is interrupted. Photos that another
        program is embedding are waited for.

        Args:
            images: The photos of each product, the face first.

        Returns:
            Of the photos that were looked at, now or before: whether they have a vector. A photo
            that is not in the media store counts as one without.
        """
        shas = list(dict.fromkeys(sha for photos in images for sha in photos))
        known = self._vectors.verdicts(self._fingerprint, shas)
        while wanted := _wanted(images, known):
            here = [sha for sha in wanted if self._media.path(sha) is not None]
            known.update(dict.fromkeys(set(wanted) - set(here), False))
            made = dict(self._verdicts(here))
            known.update(made)
            others = [sha for sha in here if sha not in made]
            if others and not made:
                time.sleep(_OTHERS_S)
            known.update(self._vectors.verdicts(self._fingerprint, others))
        return known

    def _verdicts(self, shas: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Embeds those of the photos that can be claimed, and keeps the verdicts."""
        if not shas:
            return
        if self._decoder is None:
            self._decoder = bulk_decoder(self._workers)
        try:
            with _one_thread_a_pass():
                for rows in self._rows(shas, self._decoder, self._encoder()):
                    self._vectors.put(self._fingerprint, rows)
                    time.sleep(_PAUSE_S)
                    self._looked_at += len(rows)
                    yield from ((sha, vector is not None) for sha, vector, _ in rows)
        finally:
            self._vectors.release(self._fingerprint, shas, holder=self._holder)

    def _rows(
        self, shas: Sequence[str], decoder: PhotoDecoder, encoder: Encoder
    ) -> Iterator[list[_Row]]:
        """Yields verdicts, a batch at a time; several passes run side by side."""
        refused: list[_Row] = []
        passes = each_photo(
            lambda batch: encoder.encode_photos([pixels for _, pixels in batch]),
            self._batches(shas, decoder, encoder.image_size, refused),
            workers=self._workers,
        )
        for batch, found in passes:
            if isinstance(found, UndecodablePhoto):
                raise found  # an encoder decodes nothing, so this is a bug
            rows: list[_Row] = [
                (sha, row.astype(_VECTOR).tobytes(), "")
                for (sha, _), row in zip(batch, found, strict=True)
            ]
            rows += refused
            refused.clear()
            yield rows
        if refused:
            yield refused

    def _batches(
        self, shas: Sequence[str], decoder: PhotoDecoder, size: int, refused: list[_Row]
    ) -> Iterator[list[tuple[str, Pixels]]]:
        """Yields decoded photos in batches, and notes those that are refused."""
        photos = each_photo(
            lambda sha: prepared(sha, self._media, decoder, size),
            self._claimed(shas),
            workers=self._workers,
        )
        batch: list[tuple[str, Pixels]] = []
        for sha, pixels in photos:
            if not isinstance(pixels, UndecodablePhoto):
                batch.append((sha, pixels))
            elif pixels.reason != MISSING:
                refused.append((sha, None, pixels.reason))
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _claimed(self, shas: Sequence[str]) -> Iterator[str]:
        for start in range(0, len(shas), _CLAIMED):
            yield from self._vectors.claim(
                self._fingerprint,
                shas[start : start + _CLAIMED],
                holder=self._holder,
                lease_s=_LEASE_S,
            )


def image_states(
    images: Mapping[str, tuple[str, ...]], known: Mapping[str, bool], problems: Mapping[str, str]
) -> dict[str, str]:
    """Returns the ``image_state`` of each product.

    Args:
        images: Photos by product, the face first.
        known: Of the photos that were looked at: whether they have a vector.
        problems: Why a photo has none.
    """
    return {
        product_id: "embedded"
        if first_usable(photos, known) is not None
        else f"rejected({problems.get(photos[0], MISSING)})"
        for product_id, photos in images.items()
    }


def _wanted(images: Iterable[Sequence[str]], known: Mapping[str, bool]) -> list[str]:
    usable = (first_usable(photos, known) for photos in images)
    return list(dict.fromkeys(sha for sha in usable if sha is not None and sha not in known))


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
