"""Imports open_clip, also where torchvision is a CUDA build beside a CPU-only torch."""

import importlib
import sys
from types import ModuleType

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def import_open_clip() -> ModuleType:
    """Returns the module ``open_clip``.

    torchvision from PyPI is built for CUDA; beside a CPU-only torch its C++ operators do not load
    and its import stops at ``operator torchvision::nms does not exist``. Then, and only then, the
    two schemas for which its Python code registers shapes are declared first. We call neither.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]  # torch has no types here
        for schema in _SCHEMAS:
            library.define(schema)  # type: ignore[no-untyped-call]  # torch has no types here
        torchvision = importlib.import_module("torchvision")
        # A schema lives as long as its Library object, so that lives as long as the module.
        vars(torchvision)["operator_schemas"] = library
    return importlib.import_module("open_clip")
