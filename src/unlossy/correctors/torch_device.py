"""Torch's devices by name, tried before any work."""

import torch

from unlossy.core.errors import UsageError


def device_of(name: str) -> torch.device:
    """The device ("cpu", "cuda", "cuda:1"); raises UsageError where torch knows or sees none of that name."""
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        finding = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise UsageError(
            f"torch cannot use the device {name!r} here ({finding}); give cpu, or cuda for a GPU"
        ) from error
    return device
