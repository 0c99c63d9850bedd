"""An ONNX graph as a torch network, by onnx2torch, so that gradients can go through it."""

from importlib import import_module
from pathlib import Path
from typing import Any

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.tasks.models.torchvision_compat import ensure_torchvision


def converted(path: Path, spec: str) -> Any:  # noqa: ANN401 (a torch module)
    """The graph's torch module; a graph with a fixed batch is called as often as it takes.

    Raises:
        MissingDependency: onnx2torch is not installed.
        UsageError: it cannot convert the graph (an operator that it does not know), or the graph cannot be read.
    """
    needed_for = f"gradients through {spec!r}"
    onnx = require("onnx", "onnx2torch", needed_for)
    ensure_torchvision()
    onnx2torch = require("onnx2torch", "onnx2torch", needed_for)
    try:
        graph = onnx.load(str(path))
        module = onnx2torch.convert(graph)
    except Exception as error:
        finding = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise UsageError(
            f"{spec}: onnx2torch cannot make a torch network of the graph: {finding}. Give the model in its own format "
            "(hf:, timm:, torchvision:), or export it with a lower opset"
        ) from error
    size = _fixed_batch(graph)
    return module if size is None else import_module("unlossy.tasks.models.fed").FixedBatch(module, size)


def _fixed_batch(graph: Any) -> int | None:  # noqa: ANN401 (an onnx ModelProto)
    """How many pictures the graph takes at a time, None where it takes any number."""
    weights = {tensor.name for tensor in graph.graph.initializer}
    shapes = [value.type.tensor_type.shape.dim for value in graph.graph.input if value.name not in weights]
    size = shapes[0][0].dim_value if shapes and len(shapes[0]) else 0
    return size if size > 0 else None
