"""Turns texts and photos into vectors of one space."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from runtime.errors import SetupError
from services.image_retriever.architecture import CONFIG, Preprocessing, Trained, fingerprint
from services.image_retriever.open_models import open_model
from services.image_retriever.precision import device_of, dtype_of
from services.image_retriever.text_tower import in_buckets, text_tower

_PHOTOS_AT_ONCE = 32


class Tokenizer(Protocol):
    """What an encoder needs of a tokenizer."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Returns int64 ids ``[n, positions]``."""

    def known(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tells of each row whether it says anything, bool ``[n]``."""

    def digest(self) -> str:
        """Returns what differs where two tokenizers differ."""


class Encoder(Protocol):
    """A pair of towers, and the name of the space they share.

    Attributes:
        fingerprint: SHA-256 over weights, tokenizer, preprocessing, text template and background
            policy; vectors of two fingerprints cannot be compared.
        dim: Length of a vector.
        image_size: Side of the square photos that ``encode_photos`` takes, pixels.
    """

    fingerprint: str
    dim: int
    image_size: int

    def encode_texts(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Returns unit rows float32 ``[n, dim]`` and ``known`` bool ``[n]``.

        Where no word of a text is known to the tokenizer, ``known`` is False and the row zeros.
        """

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Returns unit rows float32 ``[n, dim]`` of RGB photos ``[image_size, image_size, 3]``."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What an encoder is put together from."""

    model: nn.Module
    tokenizer: Tokenizer
    preprocessing: Preprocessing


class ClipEncoder:
    """An open_clip model behind the :class:`Encoder` protocol; safe to share between threads."""

    def __init__(self, parts: Parts, *, device: str = "cpu", precision: str = "auto") -> None:
        self._dtype = dtype_of(precision, device)
        self._device = device_of(device)
        self._tokenizer = parts.tokenizer
        self._template = parts.preprocessing.template
        self.image_size = parts.preprocessing.image_size
        self.fingerprint = fingerprint(
            parts.model.state_dict(), parts.tokenizer.digest(), parts.preprocessing
        )
        model = parts.model.eval().requires_grad_(False).to(self._device, self._dtype)
        self._model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._text = text_tower(self._model)
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(parts.preprocessing.mean, device=self._device).view(shape) * 255
        self._std = torch.tensor(parts.preprocessing.std, device=self._device).view(shape) * 255
        self.dim = int(self._encode_ids(torch.from_numpy(self._tokenizer.encode(["a"]))).shape[1])

    def encode_texts(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """See :class:`Encoder`; texts of like length are encoded together, cut to that length."""
        if not texts:
            return np.zeros((0, self.dim), np.float32), np.zeros(0, np.bool_)
        ids = self._tokenizer.encode([self._template.format(text) for text in texts])
        known = self._tokenizer.known(self._tokenizer.encode(texts))
        rows = np.zeros((len(texts), self.dim), np.float32)
        if known.any():
            rows[known] = self._encode_ids(torch.from_numpy(ids[known])).numpy()
        return rows, known

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """See :class:`Encoder`.

        Raises:
            ValueError: A photo is not uint8 ``[image_size, image_size, 3]``.
        """
        shape = (self.image_size, self.image_size, 3)
        for photo in photos:
            if photo.shape != shape or photo.dtype != np.uint8:
                raise ValueError(f"a photo is {photo.dtype} {photo.shape}, not uint8 {shape}")
        starts = range(0, len(photos), _PHOTOS_AT_ONCE)
        parts = [self._encode_batch(photos[start : start + _PHOTOS_AT_ONCE]) for start in starts]
        return np.concatenate(parts) if parts else np.zeros((0, self.dim), np.float32)

    def _encode_ids(self, ids: Tensor) -> Tensor:
        with torch.inference_mode():
            features = in_buckets(
                lambda part: self._text.encode(part.to(self._device)), ids, self._text.lengths(ids)
            )
            return functional.normalize(features.float(), dim=-1).cpu()

    def _encode_batch(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        with torch.inference_mode():
            # [n, H, W, 3] seen as [n, 3, H, W] is channels-last already: nothing is moved.
            pixels = torch.from_numpy(np.stack(photos)).to(self._device).permute(0, 3, 1, 2)
            scaled = ((pixels.float() - self._mean) / self._std).to(self._dtype)
            features = self._model.encode_image(scaled)
            rows: NDArray[np.float32] = functional.normalize(features.float(), dim=-1).cpu().numpy()
            return rows


def open_encoder(
    spec: str | Path, *, device: str = "cpu", precision: str = "auto", threads: int = 0
) -> Encoder:
    """Opens an encoder.

    Args:
        spec: The folder of an ``encoder`` artifact; a folder with an open_clip model
            (``open_clip_config.json`` beside safetensors weights); ``hf-hub:owner/name``;
            ``open_clip:NAME/TAG`` for weights that open_clip knows, such as
            ``open_clip:ViT-B-32/laion2b_s34b_b79k``; ``open_clip:NAME/random`` for random weights,
            the same each time.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` (bf16 where the device is faster with it), ``fp32`` or ``bf16``.
        threads: CPU threads of torch, in the whole process; 0 leaves them.

    Raises:
        SetupError: There is no such encoder, its files are damaged, or the hub does not answer.
    """
    if threads:
        torch.set_num_threads(threads)
    parts = _open_artifact(Path(spec)) if (Path(spec) / CONFIG).is_file() else None
    if parts is None:
        parts = Parts(*open_model(str(spec)))
    return ClipEncoder(parts, device=device, precision=precision)


def _open_artifact(folder: Path) -> Parts:
    try:
        trained = Trained.open(folder)
    except ValueError as error:
        raise SetupError(f"{error}; train it again") from error
    return Parts(trained.model, trained.tokenizer, trained.preprocessing)
