"""Builds a CLIP from its description, and reads and writes the folder that holds one."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from services.image_retriever.tokenizer import PAD, WordTokenizer
from services.image_retriever.vision import import_open_clip

FORMAT = 1
CONFIG, WEIGHTS = "encoder.json", "weights.safetensors"


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What is done to a text and a photo before the model sees them; part of the fingerprint.

    Args:
        image_size: Side of the square photos, pixels.
        mean: Subtracted from each channel of a photo in 0..1.
        std: Divides each channel after that.
        template: The text in which a query stands in for ``{}``.
        background: How a photo that is not square becomes one.
    """

    image_size: int
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)
    template: str = "{}"
    background: str = "white-square"


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of a CLIP of ours: a timm image tower beside a transformer over words.

    Args:
        image_tower: Name of a timm model.
        dim: Length of the shared vectors.
        width: Width of the text transformer.
        heads: Its attention heads.
        layers: Its layers.
    """

    image_tower: str = "resnet10t"
    dim: int = 256
    width: int = 256
    heads: int = 4
    layers: int = 4

    def build(self, tokenizer: WordTokenizer, image_size: int) -> nn.Module:
        """Returns an ``open_clip.CustomTextCLIP`` with random weights.

        The text tower gives one vector a position (pool type ``none``) without a causal mask:
        :mod:`services.image_retriever.text_tower` masks the padding and takes the mean.
        """
        open_clip = import_open_clip()
        vision = {"timm_model_name": self.image_tower, "image_size": image_size}
        text = {
            "context_length": tokenizer.positions,
            "vocab_size": tokenizer.size,
            "width": self.width,
            "heads": self.heads,
            "layers": self.layers,
            "pool_type": "none",
            "no_causal_mask": True,
            "pad_id": PAD,
        }
        model: nn.Module = open_clip.CustomTextCLIP(
            embed_dim=self.dim, vision_cfg=vision, text_cfg=text
        )
        return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True)
class Trained:
    """A CLIP of ours with all it needs: what an ``encoder`` artifact holds."""

    model: nn.Module
    tokenizer: WordTokenizer
    architecture: Architecture
    preprocessing: Preprocessing

    def write(self, folder: Path) -> None:
        """Writes weights, vocabulary and description into ``folder``."""
        body = {
            "architecture": asdict(self.architecture),
            "preprocessing": asdict(self.preprocessing),
        }
        (folder / CONFIG).write_text(json.dumps(body, indent=1), encoding="utf-8")
        self.tokenizer.write(folder)
        state = {name: value.contiguous() for name, value in self.model.state_dict().items()}
        save_file(state, folder / WEIGHTS)

    def fingerprint(self) -> str:
        """Returns the name of the space that this encoder spans."""
        return fingerprint(self.model.state_dict(), self.tokenizer.digest(), self.preprocessing)

    @classmethod
    def open(cls, folder: Path) -> "Trained":
        """Reads what :meth:`write` wrote.

        Raises:
            ValueError: A file is missing or does not fit the others.
        """
        try:
            body = json.loads((folder / CONFIG).read_bytes())
            architecture = Architecture(**body["architecture"])
            read = body["preprocessing"]
            preprocessing = Preprocessing(
                **{**read, "mean": tuple(read["mean"]), "std": tuple(read["std"])}
            )
            tokenizer = WordTokenizer.open(folder)
            model = architecture.build(tokenizer, preprocessing.image_size)
            model.load_state_dict(load_file(folder / WEIGHTS), strict=True)
        except (OSError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise ValueError(f"{folder} holds no encoder of format {FORMAT}: {error}") from error
        return cls(model, tokenizer, architecture, preprocessing)


def fingerprint(
    state: Mapping[str, torch.Tensor], tokenizer_digest: str, preprocessing: Preprocessing
) -> str:
    """Returns the SHA-256 over all that decides which vector a text or a photo gets.

    That is weights, tokenizer, preprocessing, text template and background policy; precision and
    device are not in it, since they move a vector by rounding only.
    """
    whole = hashlib.sha256()
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        whole.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        whole.update(value.flatten().view(torch.uint8).numpy().data)
    whole.update(tokenizer_digest.encode())
    whole.update(json.dumps(asdict(preprocessing), sort_keys=True).encode())
    return whole.hexdigest()
