"""Runs the text tower of a CLIP over the real tokens of a text, not over its padding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from services.image_retriever.tokenizer import PAD
from services.image_retriever.vision import import_open_clip


class Tower(Protocol):
    """The modules of a text transformer that open_clip builds, alone or as part of a CLIP."""

    heads: int
    attn_mask: Tensor | None
    positional_embedding: Tensor
    text_projection: nn.Module | Tensor | None

    def token_embedding(self, ids: Tensor) -> Tensor:
        """Embeds ids ``[n, length]`` as ``[n, length, width]``."""

    def transformer(self, embedded: Tensor, *, attn_mask: Tensor | None) -> Tensor:
        """Runs the layers."""

    def ln_final(self, hidden: Tensor) -> Tensor:
        """Normalises the last layer."""


BUCKETS = (4, 8, 12, 16, 24, 32, 48, 77)
_BATCH = 64


@dataclass(frozen=True, slots=True)
class TextTower:
    """How a model encodes token ids int64 ``[n, length]``, and how many of them are real.

    ``encode`` gives features ``[n, dim]``, ``lengths`` int64 ``[n]``; ids that stand behind the
    lengths may be cut away before encoding, and the features stay the same.
    """

    encode: Callable[[Tensor], Tensor]
    lengths: Callable[[Tensor], Tensor]


def text_tower(model: nn.Module) -> TextTower:
    """Returns the text tower of an open_clip model.

    Two kinds of tower can be cut: a causal transformer pooled at the end of the text, which never
    sees the padding, and ours, which masks it. Every other one (SigLIP pools at the last position
    of a full-length text, for one) keeps its full length.
    """
    open_clip = import_open_clip()
    tower = cast(Tower, getattr(model, "text", model))
    plain = isinstance(tower, open_clip.CLIP | open_clip.transformer.TextTransformer)
    if plain and getattr(tower, "cls_emb", None) is None:
        pool = getattr(tower, "text_pool_type", None) or getattr(tower, "pool_type", None)
        if pool == "none" and tower.attn_mask is None:
            return TextTower(partial(mean_of_words, tower), _words)
        if pool in ("argmax", "eos") and tower.attn_mask is not None:
            end = getattr(tower, "text_eos_id", None) or getattr(tower, "eos_id", None)
            marker = end if pool == "eos" else None
            return TextTower(partial(_at_end, tower, marker), lambda ids: _end(ids, marker) + 1)
    whole = cast(Callable[[Tensor], Tensor], model.encode_text)
    return TextTower(whole, lambda ids: torch.full((len(ids),), ids.shape[1]))


def mean_of_words(tower: Tower, ids: Tensor) -> Tensor:
    """Returns the projected mean ``[n, dim]`` over the words of each row; padding is masked.

    A row without a word is all padding; its first position stands in, so that no row is NaN.
    """
    real = ids != PAD
    real[:, 0] = True
    bias = None
    if not bool(real.all()):
        bias = torch.zeros(len(ids), 1, ids.shape[1], device=ids.device)
        bias = bias.masked_fill(~real[:, None, :], float("-inf"))
        bias = bias.expand(-1, ids.shape[1], -1).repeat_interleave(tower.heads, 0)
    hidden = _run(tower, ids, bias)
    weights = real.to(hidden.dtype)
    pooled = (hidden * weights[..., None]).sum(1) / weights.sum(1, keepdim=True)
    return _project(tower, pooled)


def in_buckets(encode: Callable[[Tensor], Tensor], ids: Tensor, lengths: Tensor) -> Tensor:
    """Encodes rows of like length together, each batch cut to its bucket; keeps their order.

    Args:
        encode: Takes ids ``[n, length]``, returns features ``[n, dim]``.
        ids: int64 ``[n, positions]``.
        lengths: Real tokens of each row, int64 ``[n]``.
    """
    order = torch.argsort(lengths, stable=True)
    parts: list[Tensor] = []
    for rows in _batches(order, lengths):
        longest = int(lengths[rows].max())
        width = next((size for size in BUCKETS if size >= longest), ids.shape[1])
        parts.append(encode(ids[rows, : min(width, ids.shape[1])]))
    features = torch.cat(parts)
    return torch.empty_like(features).index_copy_(0, order.to(features.device), features)


def _batches(order: Tensor, lengths: Tensor) -> Sequence[Tensor]:
    """Cuts the rows, ordered by length, where the bucket changes and where a batch is full."""
    edges = torch.bucketize(lengths[order], torch.tensor(BUCKETS))
    runs = torch.split(order, torch.unique_consecutive(edges, return_counts=True)[1].tolist())
    return [batch for run in runs for batch in torch.split(run, _BATCH)]


def _words(ids: Tensor) -> Tensor:
    return (ids != PAD).sum(1).clamp(min=1)


def _end(ids: Tensor, marker: int | None) -> Tensor:
    """Returns the place of the end-of-text token: the marker, or the highest id of the row."""
    return (ids == marker).int().argmax(1) if marker is not None else ids.argmax(1)


def _at_end(tower: Tower, marker: int | None, ids: Tensor) -> Tensor:
    length = ids.shape[1]
    causal = tower.attn_mask
    hidden = _run(tower, ids, None if causal is None else causal[:length, :length])
    return _project(tower, hidden[torch.arange(len(ids), device=ids.device), _end(ids, marker)])


def _run(tower: Tower, ids: Tensor, mask: Tensor | None) -> Tensor:
    embedded = tower.token_embedding(ids)
    embedded = embedded + tower.positional_embedding[: ids.shape[1]]
    bias = None if mask is None else mask.to(embedded.dtype)
    return tower.ln_final(tower.transformer(embedded, attn_mask=bias))


def _project(tower: Tower, pooled: Tensor) -> Tensor:
    projection = tower.text_projection
    if projection is None:
        return pooled
    if isinstance(projection, Tensor):
        return pooled @ projection
    return cast(Tensor, projection(pooled))
