"""The two losses that a small CLIP of a catalogue is trained with."""

import torch
from torch import Tensor
from torch.nn import functional


def text_photo_loss(photos: Tensor, texts: Tensor, scale: Tensor, fits: Tensor) -> Tensor:
    """Contrastive loss of CLIP (Radford et al. 2021) with soft labels.

    Where a text holds for several photos of the batch, they share its target equally, and the
    other way round: else equal captions push each other's photos apart.

    Args:
        photos: Unit rows ``[b, dim]``.
        texts: Unit rows ``[b, dim]``.
        scale: Inverse temperature, a positive scalar.
        fits: bool ``[b, b]``, text by photo; the diagonal is true.
    """
    logits = scale * texts @ photos.T
    wanted = fits.to(logits.dtype)
    by_text = wanted / wanted.sum(1, keepdim=True)
    by_photo = wanted.T / wanted.T.sum(1, keepdim=True)
    return (
        functional.cross_entropy(logits, by_text) + functional.cross_entropy(logits.T, by_photo)
    ) / 2


def photo_photo_loss(photos: Tensor, labels: Tensor, *, temperature: float) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020, eq. 2): equal labels attract each other.

    Args:
        photos: Unit rows ``[b, dim]``.
        labels: int64 ``[b]``; negative where nothing is known of a photo, which then attracts
            none.
        temperature: Of the similarities, positive.

    Returns:
        The mean over the photos that have a partner; zero if none has.
    """
    itself = torch.eye(len(photos), dtype=torch.bool, device=photos.device)
    logits = (photos @ photos.T / temperature).masked_fill(itself, float("-inf"))
    partners = (labels[:, None] == labels[None, :]) & (labels >= 0)[:, None] & ~itself
    logs = torch.log_softmax(logits, dim=1).masked_fill(~partners, 0.0)
    counts = partners.sum(1)
    each = -logs.sum(1) / counts.clamp(min=1)
    return each.sum() / (counts > 0).sum().clamp(min=1)
