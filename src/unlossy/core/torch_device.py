"""Torch's devices by name, tried before any work. Torch is imported only when one is asked for."""

from typing import Any

from unlossy.core.errors import UsageError
from unlossy.core.tools import require


def device_of(name: str, extra: str = "train") -> Any:  # noqa: ANN401 (a torch.device; torch is not imported to be named)
    """The device ("cpu", "cuda", "cuda:1").

    Raises:
        UsageError: torch knows or sees none of that name.
        MissingDependency: there is no torch; `extra` brings it.
    """
    torch = require("torch", extra, f"the device {name}")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise _unusable(name, "it is none that torch knows") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise _unusable(name, "torch sees no GPU here")
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        finding = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise _unusable(name, finding) from error
    return device


def _unusable(name: str, finding: str) -> UsageError:
    return UsageError(f"torch cannot use the device {name!r} here ({finding}); give cpu, or cuda for a GPU")
