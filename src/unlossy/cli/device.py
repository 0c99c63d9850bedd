"""`--device`: refused before work where torch does not have it, and what "auto" is."""

from unlossy.core.tools import require
from unlossy.core.torch_device import device_of

WITHOUT_TORCH = ("cpu", "auto")


def refuse_absent_device(device: str) -> None:
    """Nothing where the device can be used; raises UsageError, or MissingDependency where it takes torch to know."""
    if device not in WITHOUT_TORCH:
        device_of(device)


def resolved_device(device: str) -> str:
    """The device itself; of "auto" a GPU where torch sees one."""
    if device != "auto":
        return device
    return "cuda" if require("torch", "train", "a GPU").cuda.is_available() else "cpu"
