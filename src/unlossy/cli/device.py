"""`--device`: refused before work where torch does not have it, and what "auto" is."""

from unlossy.core.errors import UsageError
from unlossy.core.tools import require

WITHOUT_TORCH = ("cpu", "auto")


def refuse_absent_device(device: str, needed_for: str) -> None:
    """Nothing where the device can be used; raises UsageError, or MissingDependency where it takes torch to know."""
    if device in WITHOUT_TORCH:
        return
    torch = require("torch", "train", needed_for)
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise UsageError(f"--device {device!r} is none that torch knows; give cpu or cuda") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"torch sees no GPU here, so --device {device} cannot be; leave it out, or give cpu")


def resolved_device(device: str) -> str:
    """The device itself; of "auto" a GPU where torch sees one."""
    if device != "auto":
        return device
    return "cuda" if require("torch", "train", "a GPU").cuda.is_available() else "cpu"
