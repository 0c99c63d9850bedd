"""A weight file in the safetensors format, checked; pickled weights are refused."""

from pathlib import Path
from typing import Any

from unlossy.core.errors import UsageError
from unlossy.core.tools import require

CONVERT = (
    "python -c \"import torch, safetensors.torch as s; s.save_file(torch.load('weights.pth', weights_only=True), "
    "'weights.safetensors')\""
)


def read_weights(path: Path, extra: str) -> dict[str, Any]:
    """The tensors of a safetensors file by name, on the CPU.

    Raises:
        UsageError: no such file, or not safetensors.
        MissingDependency: torch or safetensors is not installed; names `extra`.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such weight file")
    if path.suffix != ".safetensors":
        raise UsageError(f"{path}: weights are only read from .safetensors, never unpickled. Convert with:\n{CONVERT}")
    require("torch", extra, f"reading {path}")
    load_file = require("safetensors.torch", extra, f"reading {path}").load_file
    try:
        tensors: dict[str, Any] = load_file(str(path))
    except Exception as error:
        raise UsageError(f"{path}: not a sound safetensors file: {error}") from error
    return tensors


def split_name(name: str) -> tuple[str, Path | None]:
    """NAME and FILE of `NAME[@FILE]`; FILE is None where there is no @."""
    model, at, file = name.partition("@")
    return model, Path(file) if at else None


def load_strictly(network: Any, tensors: dict[str, Any], what: str) -> None:  # noqa: ANN401 (a torch module)
    """Nothing; the network holds the tensors. Raises UsageError where names or shapes do not all fit."""
    try:
        network.load_state_dict(tensors, strict=True)
    except (RuntimeError, TypeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise UsageError(f"the weights do not fit {what}: {' '.join(lines[1:3] or lines)[:400]}") from error
