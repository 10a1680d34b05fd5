"""Trains a CLIP step by step."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR

from offline.clip_loss import photo_photo_loss, text_photo_loss
from offline.clip_options import ClipOptions
from offline.clip_texts import TextDraw
from runtime.errors import SetupError
from services.image_retriever.architecture import Preprocessing
from services.image_retriever.precision import dtype_of
from services.image_retriever.text_tower import in_buckets, text_tower


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is learned from: ``n`` products.

    Args:
        pixels: uint8 ``[n, size, size, 3]``.
        texts: Their texts.
        labels: int64 ``[n]``: equal for equal kind and colour, negative where one is unknown.
    """

    pixels: NDArray[np.uint8]
    texts: TextDraw
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Step:
    """What one step came to."""

    loss: float
    learning_rate: float
    photos: int


class Trainer:
    """Holds a model, its optimiser and its schedule; each epoch is a run of steps."""

    def __init__(
        self,
        model: nn.Module,
        lessons: Lessons,
        preprocessing: Preprocessing,
        options: ClipOptions,
    ) -> None:
        self._model = model
        self._lessons = lessons
        self._options = options
        self._augment = Augment(preprocessing, zoom=options.zoom)
        self._text = text_tower(model)
        self._generator = np.random.default_rng(options.seed)
        self.batch = min(options.batch, len(lessons.labels))
        self.steps = len(lessons.labels) // self.batch
        self._optimizer = _optimizer(model, options)
        total = max(2, self.steps * options.epochs)
        self._schedule = OneCycleLR(
            self._optimizer, options.learning_rate, total_steps=total, pct_start=options.warmup
        )

    @property
    def scale(self) -> float:
        """The inverse temperature now."""
        return float(_scale(self._model).detach().exp())

    def epoch(self, number: int) -> Iterator[Step]:
        """Runs one epoch; a step is done when it is yielded.

        Raises:
            SetupError: The loss is no number any more.
        """
        size = self._options.size_at(number)
        order = self._generator.permutation(len(self._lessons.labels))
        self._model.train()
        for start in range(0, self.steps * self.batch, self.batch):
            yield self._step(np.sort(order[start : start + self.batch]), size)

    def _step(self, rows: NDArray[np.int64], size: int) -> Step:
        drawn = self._lessons.texts.draw(
            rows, self._generator, word_dropout=self._options.word_dropout
        )
        pixels = self._augment(self._lessons.pixels[rows], size, self._generator)
        ids = torch.from_numpy(drawn.ids)
        with _autocast():
            photos = self._model.encode_image(pixels)  # type: ignore[operator]
            texts = in_buckets(self._text.encode, ids, self._text.lengths(ids))
        photos = functional.normalize(photos.float(), dim=-1)
        texts = functional.normalize(texts.float(), dim=-1)
        scale = _scale(self._model)
        loss = text_photo_loss(photos, texts, scale.exp(), torch.from_numpy(drawn.fits))
        loss = loss + self._options.photo_weight * photo_photo_loss(
            photos,
            torch.from_numpy(self._lessons.labels[rows]),
            temperature=self._options.photo_temperature,
        )
        value = float(loss.detach())
        if not math.isfinite(value):
            raise SetupError("the loss is no number any more: try a lower learning rate")
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        nn.utils.clip_grad_norm_(self._model.parameters(), self._options.clip_norm)
        rate = float(self._schedule.get_last_lr()[0])
        self._optimizer.step()
        self._schedule.step()
        with torch.no_grad():
            scale.clamp_(0.0, math.log(self._options.largest_scale))
        return Step(value, rate, len(rows))


class Augment:
    """Varies a batch: one crop for all, each photo mirrored or not.

    Colours stay as they are, since colour is asked for.
    """

    def __init__(self, preprocessing: Preprocessing, *, zoom: float) -> None:
        self._mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1) * 255
        self._std = torch.tensor(preprocessing.std).view(1, 3, 1, 1) * 255
        self._zoom = zoom

    def __call__(
        self, pixels: NDArray[np.uint8], size: int, generator: np.random.Generator
    ) -> Tensor:
        """Returns float32 ``[b, 3, size, size]``, channels last, of uint8 ``[b, s, s, 3]``."""
        stored = pixels.shape[1]
        side = int(generator.integers(round(self._zoom * stored), stored + 1))
        top, left = generator.integers(0, stored - side + 1, 2)
        cut = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        cut = cut[:, :, top : top + side, left : left + side].float()
        mirrored = torch.from_numpy(generator.random(len(pixels)) < 0.5).view(-1, 1, 1, 1)
        cut = torch.where(mirrored, cut.flip(3), cut)
        resized = functional.interpolate(cut, size=(size, size), mode="bilinear", antialias=True)
        scaled = (resized - self._mean) / self._std
        return scaled.contiguous(memory_format=torch.channels_last)


def _optimizer(model: nn.Module, options: ClipOptions) -> torch.optim.AdamW:
    matrices = [value for value in model.parameters() if value.ndim >= 2]
    others = [value for value in model.parameters() if value.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": options.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, 0.98))


def _scale(model: nn.Module) -> Tensor:
    return cast(Tensor, model.logit_scale)


def _autocast() -> AbstractContextManager[object]:
    dtype = dtype_of("auto", "cpu")
    return torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16)
