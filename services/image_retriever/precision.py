"""Chooses the number format in which a model computes, from what the device can do."""

import torch

from runtime.errors import SetupError

CHOICES = ("auto", "fp32", "bf16")


def dtype_of(precision: str, device: str) -> torch.dtype:
    """Returns float32 or bfloat16.

    ``auto`` takes bfloat16 where it is faster: on GPUs that have it and on CPUs with AMX tiles.
    A CPU that has only the AVX-512 instructions for it multiplies no faster than in float32.

    Raises:
        SetupError: The precision is not one of :data:`CHOICES`, or the device is not there.
    """
    if precision not in CHOICES:
        raise SetupError(f"precision must be one of {', '.join(CHOICES)}, not {precision!r}")
    if precision == "auto":
        return torch.bfloat16 if _has_fast_bfloat16(device) else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


def device_of(name: str) -> torch.device:
    """Returns the device by its torch name, such as ``cpu`` or ``cuda:0``.

    Raises:
        SetupError: There is no such device here.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SetupError(f"{name!r} is not a device: use cpu or cuda") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SetupError(f"device {name}: this torch sees no GPU; use cpu, or install CUDA torch")
    return device


def _has_fast_bfloat16(device: str) -> bool:
    if device_of(device).type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))
