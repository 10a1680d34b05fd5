"""Opens any CLIP that open_clip knows: by name, from the Hugging Face hub, or from a folder."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from catalog.normalize import readable
from runtime.errors import SetupError
from services.image_retriever.architecture import Preprocessing
from services.image_retriever.vision import import_open_clip

RANDOM = "random"
_CONFIG = "open_clip_config.json"
_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
_TOKENIZER = ("tokenizer*", "special_tokens_map.json", "*.model", "vocab*", "merges.txt")
_PROBES = ("", "a red summer dress", "T-shirt 100%", "été à Paris", "여름 원피스", "платье")


class _OpenClipTokenizer(Protocol):
    def __call__(self, texts: list[str]) -> Tensor: ...


class _Preprocess(TypedDict):
    size: int | tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class _Visual(Protocol):
    preprocess_cfg: _Preprocess


class ModelTokenizer:
    """The tokenizer of an open_clip model behind the encoder's protocol."""

    def __init__(self, tokenizer: _OpenClipTokenizer) -> None:
        self._tokenizer = tokenizer
        self._empty = self._ids([""])[0]

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Returns int64 ids ``[n, positions]`` of the texts in their readable form."""
        return self._ids([readable(text) for text in texts])

    def known(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tells of each row whether it says more than the empty text, bool ``[n]``."""
        return np.asarray((ids != self._empty).any(axis=1))

    def digest(self) -> str:
        """Returns the SHA-256 of the ids of some probes, in several scripts."""
        return hashlib.sha256(self._ids(list(_PROBES)).astype("<i8").tobytes()).hexdigest()

    def _ids(self, texts: list[str]) -> NDArray[np.int64]:
        return self._tokenizer(texts).numpy().astype(np.int64)


def open_model(spec: str) -> tuple[nn.Module, ModelTokenizer, Preprocessing]:
    """Opens a model in float32 on the CPU; only safetensors weights are read, never pickles.

    Args:
        spec: ``open_clip:NAME/TAG`` or ``NAME/TAG``, ``hf-hub:owner/name``, or a folder.

    Raises:
        SetupError: There is no such model, or its files cannot be had; says the way out.
    """
    if Path(spec).is_dir():
        return _from_folder(Path(spec))
    if spec.startswith("hf-hub:"):
        return _from_folder(_download(spec.removeprefix("hf-hub:")))
    name, _, tag = spec.removeprefix("open_clip:").partition("/")
    open_clip = import_open_clip()
    if name not in open_clip.list_models():
        raise SetupError(
            f"no encoder {spec!r}: give a folder, open_clip:NAME/TAG, or hf-hub:owner/name"
        )
    if tag == RANDOM:
        return _build(name, None)
    source = (open_clip.get_pretrained_cfg(name, tag) or {}).get("hf_hub", "")
    if not source:
        known = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        raise SetupError(f"{name} has no weights {tag!r} on the hub; its tags: {known}")
    return _build(name, _weights(_download(source.rstrip("/"), config=False)))


def _from_folder(folder: Path) -> tuple[nn.Module, ModelTokenizer, Preprocessing]:
    if not (folder / _CONFIG).is_file():
        raise SetupError(f"{folder} holds neither encoder.json nor {_CONFIG}")
    return _build(f"local-dir:{folder}", _weights(folder))


def _weights(folder: Path) -> Path:
    found = [folder / name for name in _WEIGHTS if (folder / name).is_file()]
    found = found or sorted(folder.glob("*.safetensors"))
    if not found:
        raise SetupError(f"{folder} holds no safetensors weights: other formats are not read")
    return found[0]


def _build(name: str, weights: Path | None) -> tuple[nn.Module, ModelTokenizer, Preprocessing]:
    open_clip = import_open_clip()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # Random weights are the same in each replica.
            model = open_clip.create_model(name, load_weights=False, pretrained_text=False)
        if weights is not None:
            open_clip.load_checkpoint(model, str(weights))
        tokenizer = ModelTokenizer(open_clip.get_tokenizer(name))
    except ImportError as error:
        raise SetupError(f"{name} needs a package that is not installed: {error}") from error
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise SetupError(f"cannot open {name}: {_first_line(error)}") from error
    return model, tokenizer, _preprocessing(model.visual)


def _preprocessing(visual: _Visual) -> Preprocessing:
    read = visual.preprocess_cfg
    size, mean, std = read["size"], read["mean"], read["std"]
    side = size if isinstance(size, int) else size[0]
    return Preprocessing(side, (mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))


def _download(repository: str, *, config: bool = True) -> Path:
    """Fetches configuration, tokenizer and safetensors weights, or finds them in the cache."""
    from huggingface_hub import snapshot_download

    patterns = [*_WEIGHTS, *((_CONFIG, *_TOKENIZER) if config else ())]
    try:
        return Path(snapshot_download(repository, allow_patterns=patterns))
    except Exception as error:  # The client raises what its HTTP library raises.
        raise SetupError(
            f"cannot fetch {repository} from the Hugging Face hub ({_first_line(error)}): "
            "check the network, or give a local folder with its files"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(". ") or type(error).__name__
