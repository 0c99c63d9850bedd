"""An ONNX graph as a torch network, by onnx2torch, so that gradients can go through it."""

from pathlib import Path
from typing import Any

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.tasks.models.torchvision_compat import ensure_torchvision


def converted(path: Path, spec: str) -> Any:  # noqa: ANN401 (a torch module)
    """The graph's torch module.

    Raises:
        MissingDependency: onnx2torch is not installed.
        UsageError: it cannot convert the graph (an operator that it does not know), or the graph cannot be read.
    """
    needed_for = f"gradients through {spec!r}"
    onnx = require("onnx", "onnx2torch", needed_for)
    ensure_torchvision()
    onnx2torch = require("onnx2torch", "onnx2torch", needed_for)
    try:
        return onnx2torch.convert(onnx.load(str(path)))
    except Exception as error:
        finding = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise UsageError(
            f"{spec}: onnx2torch cannot make a torch network of the graph: {finding}. Give the model in its own format "
            "(hf:, timm:, torchvision:), or export it with a lower opset"
        ) from error
