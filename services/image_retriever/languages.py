"""Tells which encoders of open_clip read many languages."""

import json
from pathlib import Path

from services.image_retriever.vision import import_open_clip

# Text towers and tokenizers that were trained on a hundred languages and more; SigLIP 2 and the
# i18n SigLIP have tokenizers of their own (Tschannen et al., arXiv 2502.14786, section 2).
_MANY = ("siglip2", "i18n", "xlm", "mt5", "nllb", "multilingual", "labse")
_CONFIG = "open_clip_config.json"
_NAMES = ("hf_tokenizer_name", "hf_model_name")


def reads_many_languages(spec: str) -> bool:
    """Tells whether an encoder that open_clip knows reads more languages than English.

    It goes by the tokenizer and the text tower that the model's configuration names; a model that
    names none has the tokenizer of the first CLIP, which reads English. What is not known reads
    English: then words are translated, which costs nuances and loses nothing.

    Args:
        spec: As :func:`~services.image_retriever.open_models.open_model` takes it. A model on the
            hub goes by its name, for its configuration may not be at hand.
    """
    if Path(spec).is_dir():
        return _says_many(_configured(Path(spec)))
    if spec.startswith("hf-hub:"):
        return _is_many(spec)
    name = spec.removeprefix("open_clip:").partition("/")[0]
    found = import_open_clip().get_model_config(name)
    return _says_many(found) if isinstance(found, dict) else False


def _configured(folder: Path) -> dict[str, object]:
    try:
        body = json.loads((folder / _CONFIG).read_bytes())
    except (OSError, ValueError):
        return {}
    found = body.get("model_cfg") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def _says_many(model: dict[str, object]) -> bool:
    text = model.get("text_cfg")
    return isinstance(text, dict) and any(_is_many(str(text.get(name, ""))) for name in _NAMES)


def _is_many(name: str) -> bool:
    folded = name.casefold().replace("-", "").replace("_", "")
    return any(each in folded for each in _MANY)
