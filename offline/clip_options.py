"""How a small CLIP is trained: every choice in one place, and the presets."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

from runtime.errors import SetupError
from services.image_retriever.architecture import Architecture

# Grows when the program itself changes what it would train from equal inputs.
RECIPE = 1


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """Options of one training run.

    Args:
        epochs: Passes over the training photos.
        learning_rate: Peak of the one-cycle schedule.
        warmup: Share of the steps until the peak.
        weight_decay: Of matrices; vectors and scalars have none.
        clip_norm: Gradients are scaled down to this norm.
        batch: Products a step.
        sizes: Sides of the photos, pixels, each at least as large as the one before: early epochs
            learn from small photos, which cost less, the last ones at the size that serves.
        shares: Share of the epochs at each size.
        zoom: A crop keeps at least this share of a photo's side.
        word_dropout: Share of words made unknown.
        photo_weight: Weight of the loss between photos.
        photo_temperature: Its temperature.
        largest_scale: Cap of the learned inverse temperature.
        seed: Equal seeds give equal weights on equal machines.
        threads: CPU threads of torch; 0: as many as there are cores.
        architecture: The shape of the model.
        run: Folder of the run; None: the next free one in the data folder.
    """

    epochs: int = 20
    learning_rate: float = 1.5e-3
    warmup: float = 0.15
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    batch: int = 192
    sizes: tuple[int, ...] = (64, 80, 96)
    shares: tuple[float, ...] = (0.5, 0.3, 0.2)
    zoom: float = 0.88
    word_dropout: float = 0.1
    photo_weight: float = 0.2
    photo_temperature: float = 0.1
    largest_scale: float = 100.0
    seed: int = 0
    threads: int = 0
    architecture: Architecture = field(default_factory=Architecture)
    run: Path | None = None

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 2:
            raise SetupError("training needs at least one epoch and a batch of two")
        if not 0 < self.learning_rate < 1:
            raise SetupError("the learning rate must lie between 0 and 1")
        if len(self.sizes) != len(self.shares) or list(self.sizes) != sorted(self.sizes):
            raise SetupError("sizes must grow, with one share of the epochs each")

    @property
    def image_size(self) -> int:
        """Side of the photos that the trained encoder takes, pixels."""
        return self.sizes[-1]

    @property
    def stored_size(self) -> int:
        """Side at which photos are kept in memory: a margin of an eighth lets crops move."""
        return self.image_size * 9 // 8

    def size_at(self, epoch: int) -> int:
        """Returns the side of the photos in an epoch, counted from 0."""
        until = 0.0
        for size, share in zip(self.sizes, self.shares, strict=True):
            until += share * self.epochs
            if epoch < round(until):
                return size
        return self.image_size

    def digest(self) -> str:
        """Returns a digest of all that changes the result."""
        body = asdict(self)
        del body["run"], body["threads"]
        return hashlib.sha256(json.dumps([RECIPE, body], sort_keys=True).encode()).hexdigest()


PRESETS: Mapping[str, ClipOptions] = MappingProxyType(
    {
        "default": ClipOptions(),
        # Drawn garments on white: small photos and a small model learn them in about a minute.
        "demo": ClipOptions(
            epochs=8,
            learning_rate=2e-3,
            warmup=0.2,
            batch=96,
            sizes=(48, 56),
            shares=(0.67, 0.33),
            architecture=Architecture(dim=128, width=128, heads=2, layers=2),
        ),
    }
)
